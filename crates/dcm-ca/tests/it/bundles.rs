//! Bundles: made once, the same until there is need of another one, good by every judge.

use dcm_ca::Policy;
use dcm_pki::authority::certificates;
use dcm_pki::bundle::{Files, Limits, check, check_together};
use dcm_types::ca::{
    AuthorityScope, CaBundle, CaController as _, GenerationState, PrivateKeyPem, TrustModel,
};
use dcm_types::{KeyAlgorithm, Kind};
use jiff::SignedDuration;

use crate::mesh::Workload;
use crate::world::{DAY, HOUR, World, cloud, delete_cloud, policy, somebody, target};

pub(crate) fn files(bundle: &CaBundle) -> Files {
    Files {
        certificate: bundle.certificate_pem.clone(),
        key: bundle.key.secret().clone(),
        chain: bundle.chain_pem.clone(),
        anchors: bundle.anchors_pem.clone(),
        lists: Some(bundle.lists_pem.clone()),
    }
}

#[tokio::test]
async fn a_bundle_is_the_same_until_there_is_need_of_another_one() {
    let world = World::new().await;
    let first = world.ensure("berlin").await;
    world.clock.forward(DAY);
    world.look().await;
    let again = world.ensure("berlin").await;
    assert_eq!(first.version, again.version);
    assert_eq!(first.key.expose(), again.key.expose());
    let got = world.ca.get_bundle(&target("berlin")).await.unwrap();
    assert_eq!(got.chain_pem, first.chain_pem);
}

#[tokio::test]
async fn an_intermediate_is_renewed_before_what_it_signed_last_would_outlive_it() {
    let world = World::new().await;
    let first = world.ensure("berlin").await;
    let renewed_by = first.not_after - SignedDuration::from_hours(24 * 30);
    world.clock.set(renewed_by);
    world.look().await;
    let second = world.ensure("berlin").await;
    assert_eq!(second.version.generation, 2);
    assert_ne!(first.key.expose(), second.key.expose());
    let subject = |bundle: &CaBundle| {
        certificates(&bundle.certificate_pem, "x")
            .unwrap()
            .remove(0)
            .subject
    };
    assert_ne!(subject(&first), subject(&second));
}

#[tokio::test]
async fn near_the_end_of_its_anchor_an_edge_is_not_made_again_and_again() {
    let world = World::with(Policy {
        trust_model: Some(TrustModel::CloudIntermediate),
        ..policy()
    })
    .await;
    world.ensure("berlin").await;
    // Nobody follows, so the rotation of the anchor, which begins by itself, does not end.
    let anchor = world.authority().await.anchors.remove(0);
    world
        .clock
        .set(anchor.not_after - SignedDuration::from_hours(24 * 20));
    for _ in 0..3 {
        world.look().await;
    }
    let generation = world.ensure("berlin").await.version.generation;
    for _ in 0..5 {
        world.clock.forward(DAY);
        world.look().await;
    }
    assert_eq!(world.ensure("berlin").await.version.generation, generation);
}

#[tokio::test]
async fn bundles_of_every_algorithm_and_both_models_pass_the_judge() {
    let rows = [
        (KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384),
        (KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP384),
        (KeyAlgorithm::Rsa3072, KeyAlgorithm::EcdsaP256),
        (KeyAlgorithm::Rsa4096, KeyAlgorithm::EcdsaP384),
        (KeyAlgorithm::Ed25519, KeyAlgorithm::Ed25519),
    ];
    for model in [TrustModel::CloudRoot, TrustModel::CloudIntermediate] {
        for (edge_algorithm, anchor_algorithm) in rows {
            let policy = Policy {
                trust_model: Some(model),
                edge_algorithm,
                anchor_algorithm,
                ed25519: true,
                ..policy()
            };
            let world = World::with(policy).await;
            let bundle = world.ensure("berlin").await;
            let limits = Limits {
                now: dcm_types::ports::Clock::now(&*world.clock),
                longest_leaf: SignedDuration::from_hours(1),
                propagation: SignedDuration::from_mins(10),
            };
            let findings = check(&files(&bundle), &limits);
            assert_eq!(findings, vec![], "{edge_algorithm:?} {model:?}");
        }
    }
}

#[tokio::test]
async fn edges_of_a_cloud_share_an_anchor_and_nothing_else() {
    let world = World::new().await;
    let (one, other) = (world.ensure("berlin").await, world.ensure("paris").await);
    assert_eq!(one.anchors_pem, other.anchors_pem);
    let (one, other) = (files(&one), files(&other));
    assert_eq!(
        check_together(&[("berlin", &one), ("paris", &other)]),
        vec![]
    );
}

#[tokio::test]
async fn the_longest_names_fit_into_subjects_and_trust_domains() {
    let organization = "ö".repeat(64);
    let world = World::with(Policy {
        organization,
        ..policy()
    })
    .await;
    for name in ["Z".repeat(128), "A-_.b".repeat(25)] {
        world.create(&name).await;
        let mut target = target(&name);
        target.cloud = cloud(&name);
        let bundle = world.ca.ensure_bundle(&target).await.unwrap();
        let edge = certificates(&bundle.certificate_pem, "x")
            .unwrap()
            .remove(0);
        let domain = edge.uris[0].strip_prefix("spiffe://").unwrap();
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        assert!(domain.len() <= 255 && domain.bytes().all(plain), "{domain}");
    }
}

#[tokio::test]
async fn clouds_of_one_root_do_not_trust_each_other() {
    let world = World::with(Policy {
        trust_model: Some(TrustModel::CloudIntermediate),
        ..policy()
    })
    .await;
    world.create("other").await;
    let mut elsewhere = target("berlin");
    elsewhere.cloud = cloud("other");
    let one = world.ensure("berlin").await;
    let other = world.ca.ensure_bundle(&elsewhere).await.unwrap();
    let now = dcm_types::ports::Clock::now(&*world.clock);
    let one = Workload::sign(&one, now, HOUR).unwrap();
    let other = Workload::sign(&other, now, HOUR).unwrap();
    assert!(one.verifies(&one, now).is_ok());
    assert!(one.verifies(&other, now).is_err());
    assert!(other.verifies(&one, now).is_err());
}

#[tokio::test]
async fn without_a_model_a_cloud_stands_under_the_root_once_there_is_one() {
    let world = World::new().await;
    world.ensure("berlin").await;
    assert_eq!(world.authority().await.trust_model, TrustModel::CloudRoot);
    let rooted = World::with(Policy {
        trust_model: Some(TrustModel::CloudIntermediate),
        ..policy()
    })
    .await;
    rooted.ensure("berlin").await;
    let authority = rooted.authority().await;
    assert!(!authority.anchors[0].above_pem.is_empty());
    let root = rooted.ca.show(&AuthorityScope::Organization).await.unwrap();
    assert_eq!(
        root.anchors[0].certificate_pem,
        authority.anchors[0].above_pem
    );
}

#[tokio::test]
async fn what_does_not_exist_is_told_as_missing() {
    let world = World::new().await;
    let mut nowhere = target("berlin");
    nowhere.cloud = cloud("nowhere");
    let missing = [
        world.ca.ensure_bundle(&nowhere).await.unwrap_err(),
        world.ca.get_bundle(&target("berlin")).await.unwrap_err(),
        world.ca.list_bundles(&cloud("shop")).await.unwrap_err(),
        world.ca.get_rotation(&cloud("shop")).await.unwrap_err(),
        world
            .ca
            .show(&AuthorityScope::Organization)
            .await
            .unwrap_err(),
        world
            .ca
            .revoke(&target("berlin"), &somebody())
            .await
            .unwrap_err(),
    ];
    for error in missing {
        assert_eq!(error.kind, Kind::NotFound, "{error}");
    }
}

#[tokio::test]
async fn summaries_tell_states_and_no_keys() {
    let world = World::new().await;
    let bundle = world.follow("berlin").await;
    let told = world.ca.list_bundles(&cloud("shop")).await.unwrap();
    assert_eq!(told[0].state, GenerationState::Active);
    assert_eq!(told[0].version, bundle.version);
    let shown = world
        .ca
        .show(&AuthorityScope::Cloud(cloud("shop")))
        .await
        .unwrap();
    let text = serde_json::to_string(&(told, shown)).unwrap();
    assert!(!text.contains("PRIVATE KEY"), "{text}");
    assert!(!format!("{bundle:?}").contains("PRIVATE KEY"));
    let _: &PrivateKeyPem = &bundle.key;
}

#[tokio::test]
async fn a_cloud_that_is_gone_leaves_no_key_and_its_namesake_gets_another_anchor() {
    let world = World::new().await;
    let first = world.follow("berlin").await;
    delete_cloud(&*world.store, "shop").await;
    world.look().await;
    assert!(world.edges().await.is_empty());
    assert!(world.verified_events().await > 0);
    world.create("shop").await;
    let second = world.ensure("berlin").await;
    assert_ne!(first.anchors_pem, second.anchors_pem);
    assert_ne!(first.cloud_uid, second.cloud_uid);
    world.verified_events().await;
}
