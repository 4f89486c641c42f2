//! What an issuer signs: the first anchor of a cloud, and the next one of a rotation.

use std::time::Duration;

use dcm_types::ca::{
    AuthorityScope, CaController as _, Evidence, EvidenceStage, InstallSigned, KeyOrigin,
    RotationKind, RotationPhase, StartRotation, TrustModel,
};

use crate::world::{Speaks, World, cloud, somebody, target};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn an_anchor_of_each_kind_of_issuer_signs_edges() {
    for speaks in [Speaks::Vault, Speaks::StepCa] {
        let world = World::new(speaks).await;
        world.begin().await;
        assert_eq!(world.issuer.asked(), 0, "{speaks:?}");
        assert_eq!(world.look().await, None, "{speaks:?}");
        let bundle = world.ca.ensure_bundle(&target()).await.unwrap();
        let shown = world.shown().await;
        assert_eq!(shown.trust_model, TrustModel::CloudIntermediate);
        assert_eq!(shown.anchors[0].origin, KeyOrigin::Issued);
        assert_eq!(shown.anchors[0].certificate_pem, bundle.anchors_pem);
        assert_eq!(shown.anchors[0].above_pem, world.issuer.root());
        assert!(!shown.request_pending);
        // What is there is not asked for again.
        world.look().await;
        assert_eq!(world.issuer.asked(), 1, "{speaks:?}");
        let scope = AuthorityScope::Cloud(cloud());
        assert_eq!(world.ca.verify_audit(&scope).await.unwrap().bad, vec![]);
    }
}

async fn follow(world: &World) {
    let bundle = world.ca.ensure_bundle(&target()).await.unwrap();
    for stage in [EvidenceStage::Written, EvidenceStage::Loaded] {
        let evidence = Evidence {
            target: target(),
            cloud_uid: bundle.cloud_uid,
            version: bundle.version,
            stage,
        };
        world.ca.report_evidence(&evidence).await.unwrap();
    }
}

async fn start(world: &World) {
    let start = StartRotation {
        cloud: cloud(),
        kind: RotationKind::Anchor,
        dry_run: false,
    };
    world.ca.start_rotation(&start, &somebody()).await.unwrap();
}

#[tokio::test]
async fn a_rotation_gets_its_next_anchor_from_the_issuer() {
    let world = World::new(Speaks::Vault).await;
    world.begin().await;
    world.look().await;
    follow(&world).await;
    start(&world).await;
    world.ca.look_at_all().await.unwrap();
    assert_eq!(world.authority().await.anchors.len(), 1);
    world.look().await;
    let shown = world.shown().await;
    assert_eq!(shown.rotation.unwrap().phase, RotationPhase::TrustBoth);
    assert_eq!(shown.anchors.len(), 2);
    assert_eq!(world.issuer.asked(), 2);
}

#[tokio::test]
async fn a_rotation_that_is_aborted_asks_the_issuer_no_more() {
    let world = World::new(Speaks::Vault).await;
    world.begin().await;
    world.look().await;
    start(&world).await;
    world.ca.look_at_all().await.unwrap();
    world
        .ca
        .abort_rotation(&cloud(), &somebody())
        .await
        .unwrap();
    assert_eq!(world.look().await, None);
    assert_eq!(world.issuer.asked(), 1);
    let shown = world.shown().await;
    assert!(!shown.request_pending);
    assert_eq!(shown.anchors.len(), 1);
}

#[tokio::test]
async fn an_anchor_of_the_issuer_is_renewed_before_it_ends() {
    let world = World::new(Speaks::StepCa).await;
    world.begin().await;
    world.look().await;
    world.forward(500 * DAY);
    world.look().await;
    world.look().await;
    // There is no member to wait for.
    let shown = world.shown().await;
    assert_eq!(shown.rotation.unwrap().phase, RotationPhase::Done);
    let anchor = &shown.anchors[0];
    assert_eq!((anchor.generation, anchor.origin), (2, KeyOrigin::Issued));
}

#[tokio::test]
async fn a_person_may_answer_what_the_issuer_does_not() {
    let world = World::new(Speaks::Vault).await;
    world.begin().await;
    world.ca.look_at_all().await.unwrap();
    let scope = AuthorityScope::Cloud(cloud());
    let request = world
        .ca
        .authority_request(&scope, &somebody())
        .await
        .unwrap();
    let signer = dcm_testkit::issuer::Signer::new("another root");
    let answer = InstallSigned {
        scope,
        chain_pem: signer.answer(&request.pem.unwrap()).unwrap() + &signer.certificate,
        anchor_fingerprint: None,
    };
    world.ca.install_signed(&answer, &somebody()).await.unwrap();
    assert_eq!(world.look().await, None);
    assert_eq!(world.issuer.asked(), 0);
    assert_eq!(
        world.shown().await.anchors[0].origin,
        KeyOrigin::SignedElsewhere
    );
}
