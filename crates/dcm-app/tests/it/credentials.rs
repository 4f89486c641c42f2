//! Kubeconfigs of tenants: handed out only while they are of use, and never those of others.

use std::time::Duration;

use dcm_app::AskedKubeconfig;
use dcm_store::{Batch, Expect};
use dcm_types::documents::Access;
use dcm_types::drafts::LogicalCloudDraft;
use dcm_types::{CloudKey, Key, Kind, Uid, UserName};
use secrecy::{ExposeSecret as _, SecretString};

use crate::world::{World, cloud_draft, cluster, kind, reference_name, user_draft, who};

on_every_store!(
    a_kubeconfig_is_handed_out_when_its_certificate_is_usable,
    all_members_come_in_one_file,
    before_and_after_the_answer_says_why_not,
    an_expired_certificate_is_not_handed_out,
    a_credential_of_an_earlier_cloud_of_that_name_is_not_handed_out,
    a_swapped_secret_is_refused,
    each_user_gets_his_own_kubeconfig,
    a_user_of_the_same_name_does_not_get_what_the_earlier_one_had,
);

async fn fetch(world: &World, key: &CloudKey, name: &str) -> Result<SecretString, dcm_app::Error> {
    let name = reference_name(name);
    world
        .app
        .member_kubeconfig(&who(), key, &name, &AskedKubeconfig::default())
        .await
}

async fn instantiated(world: &World) -> CloudKey {
    let key = world.cloud_on(&["c1", "c2"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    key
}

async fn a_kubeconfig_is_handed_out_when_its_certificate_is_usable(world: World) {
    let key = instantiated(&world).await;
    world.issue(&key, "c1", false).await;
    let error = fetch(&world, &key, "edge-c1").await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(
        error
            .to_string()
            .contains("not issued a usable certificate yet")
    );
    let access = world.issue(&key, "c1", true).await;
    let text = fetch(&world, &key, "edge-c1").await.unwrap();
    let text = text.expose_secret();
    assert!(
        text.contains("lc@c1") && text.contains("payments"),
        "{text}"
    );
    let shown = world
        .app
        .get_reference_of(&who(), &key, &cluster("c1"))
        .await
        .unwrap();
    let until = access.current.map(|current| current.not_after);
    assert_eq!(shown.document.kubeconfig_until, until);
    assert_eq!(kind(fetch(&world, &key, "edge-c2").await), Kind::Conflict);
    assert_eq!(kind(fetch(&world, &key, "edge-c9").await), Kind::NotFound);
}

async fn all_members_come_in_one_file(world: World) {
    let key = instantiated(&world).await;
    let merged = async || {
        world
            .app
            .merged_kubeconfig(&who(), &key, &AskedKubeconfig::default())
            .await
    };
    assert_eq!(kind(merged().await), Kind::Conflict);
    world.issue(&key, "c1", true).await;
    let one = merged().await.unwrap();
    assert!(!one.expose_secret().contains("lc@c2"));
    world.issue(&key, "c2", true).await;
    let both = merged().await.unwrap();
    for context in ["lc@c1", "lc@c2"] {
        assert!(both.expose_secret().contains(context));
    }
}

async fn before_and_after_the_answer_says_why_not(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let why = async || {
        let one = fetch(&world, &key, "edge-c1").await.unwrap_err();
        let all = world
            .app
            .merged_kubeconfig(&who(), &key, &AskedKubeconfig::default())
            .await
            .unwrap_err();
        assert_eq!((one.kind, all.kind), (Kind::Conflict, Kind::Conflict));
        assert_eq!(one.to_string(), all.to_string());
        assert!(one.hint.is_some());
        one.to_string()
    };
    assert_eq!(why().await, "the logical cloud was never instantiated");
    world.app.instantiate(&who(), &key).await.unwrap();
    world.issue(&key, "c1", true).await;
    fetch(&world, &key, "edge-c1").await.unwrap();
    world.app.terminate(&who(), &key).await.unwrap();
    assert_eq!(why().await, "the logical cloud is terminated");
    world.make_absent(&key, "c1").await;
    let without = LogicalCloudDraft {
        user: None,
        ..cloud_draft("lc")
    };
    world
        .app
        .put_logical_cloud(&who(), &key, without, dcm_app::Precondition::None)
        .await
        .unwrap();
    assert_eq!(why().await, "the logical cloud has no user");
}

async fn an_expired_certificate_is_not_handed_out(world: World) {
    let key = instantiated(&world).await;
    world.issue(&key, "c1", true).await;
    fetch(&world, &key, "edge-c1").await.unwrap();
    world.clock.advance(Duration::from_hours(25));
    assert_eq!(kind(fetch(&world, &key, "edge-c1").await), Kind::Conflict);
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert_eq!(status.members[0].kubeconfig_until, None);
}

async fn overwrite(world: &World, access: &Access) {
    let mut batch = Batch::new();
    batch.put(access, Expect::Exists).unwrap();
    world.store.commit(batch).await.unwrap();
}

async fn a_credential_of_an_earlier_cloud_of_that_name_is_not_handed_out(world: World) {
    let key = instantiated(&world).await;
    let mut access = world.issue(&key, "c1", true).await;
    access.cloud_uid = Uid::from_random([9; 16]);
    overwrite(&world, &access).await;
    assert_eq!(kind(fetch(&world, &key, "edge-c1").await), Kind::Conflict);
}

async fn fetch_of(
    world: &World,
    key: &CloudKey,
    user: &str,
) -> Result<(String, String), dcm_app::Error> {
    let app = &world.app;
    let asked = AskedKubeconfig {
        user: UserName::parse(user).ok(),
        ..AskedKubeconfig::default()
    };
    let name = reference_name("edge-c1");
    let one = app.member_kubeconfig(&who(), key, &name, &asked).await;
    let all = app.merged_kubeconfig(&who(), key, &asked).await;
    let text = |secret: SecretString| secret.expose_secret().to_owned();
    Ok((text(one?), text(all?)))
}

async fn each_user_gets_his_own_kubeconfig(world: World) {
    let key = instantiated(&world).await;
    world
        .app
        .create_user(&who(), &key, user_draft("ann", ""))
        .await
        .unwrap();
    world.issue(&key, "c1", true).await;
    assert_eq!(kind(fetch_of(&world, &key, "ann").await), Kind::Conflict);
    world.issue_to("ann", &key, "c1", true).await;
    for (user, other) in [("ann", "bob"), ("bob", "ann")] {
        let (one, all) = fetch_of(&world, &key, user).await.unwrap();
        for text in [one, all] {
            assert!(text.contains(user) && !text.contains(other), "{text}");
        }
    }
    let first = fetch(&world, &key, "edge-c1").await.unwrap();
    assert!(first.expose_secret().contains("bob"));
    assert_eq!(kind(fetch_of(&world, &key, "eve").await), Kind::NotFound);
}

async fn a_user_of_the_same_name_does_not_get_what_the_earlier_one_had(world: World) {
    let key = instantiated(&world).await;
    let (app, ann) = (&world.app, UserName::parse("ann").unwrap());
    let create = async || app.create_user(&who(), &key, user_draft("ann", "")).await;
    create().await.unwrap();
    world.issue_to("ann", &key, "c1", true).await;
    fetch_of(&world, &key, "ann").await.unwrap();
    app.delete_user(&who(), &key, &ann, dcm_app::Precondition::None)
        .await
        .unwrap();
    assert_eq!(kind(fetch_of(&world, &key, "ann").await), Kind::NotFound);
    create().await.unwrap();
    assert_eq!(kind(fetch_of(&world, &key, "ann").await), Kind::Conflict);
}

async fn a_swapped_secret_is_refused(world: World) {
    let key = instantiated(&world).await;
    let mut first = world.issue(&key, "c1", true).await;
    let second = world.issue(&key, "c2", true).await;
    let stolen = second.current.unwrap().kubeconfig;
    first.current.as_mut().unwrap().kubeconfig = stolen;
    overwrite(&world, &first).await;
    let error = fetch(&world, &key, "edge-c1").await.unwrap_err();
    assert_eq!(error.kind, Kind::Internal);
    assert_eq!(error.to_string(), "internal error");
    assert!(
        std::error::Error::source(&error).is_some(),
        "the log says why"
    );
    assert!(world.exists(&Key::cloud(&key)).await);
}
