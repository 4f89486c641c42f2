//! Quotas of a cloud.

use dcm_app::Precondition;
use dcm_types::documents::Level;
use dcm_types::drafts::LogicalCloudDraft;
use dcm_types::{Kind, QuotaName};

use crate::world::{World, cloud_draft, cloud_key, kind, quota_draft, who};

on_every_store!(
    a_quota_is_created_read_replaced_and_deleted,
    quotas_of_admin_clouds_are_refused,
    a_cloud_with_quotas_does_not_become_an_admin_cloud,
);

async fn a_quota_is_created_read_replaced_and_deleted(world: World) {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    let (app, who) = (&world.app, who());
    let name = QuotaName::parse("q").unwrap();
    let created = app
        .create_quota(&who, &key, quota_draft("q", "10"))
        .await
        .unwrap();
    let again = app.create_quota(&who, &key, quota_draft("q", "10")).await;
    let error = again.unwrap_err();
    assert_eq!(error.kind, Kind::AlreadyExists);
    assert_eq!(
        error.to_string(),
        "cluster quota 'q' of logical cloud 'lc' exists already"
    );
    let put = app
        .put_quota(
            &who,
            &key,
            &name,
            quota_draft("q", "2k"),
            Precondition::None,
        )
        .await
        .unwrap();
    assert!(!put.created);
    assert_eq!(put.saved.document.uid, created.document.uid);
    assert_eq!(app.get_quota(&who, &key, &name).await.unwrap(), put.saved);
    app.delete_quota(&who, &key, &name, Precondition::None)
        .await
        .unwrap();
    assert_eq!(kind(app.get_quota(&who, &key, &name).await), Kind::NotFound);
    let deeds = world.deeds("p").await;
    assert_eq!(
        deeds[2..],
        [
            "create quota/p/lc/q",
            "update quota/p/lc/q",
            "delete quota/p/lc/q"
        ]
    );
}

async fn quotas_of_admin_clouds_are_refused(world: World) {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    let draft = LogicalCloudDraft {
        level: Level::Admin,
        ..cloud_draft("lc")
    };
    world
        .app
        .create_logical_cloud(&who(), &key.project, draft)
        .await
        .unwrap();
    let refused = world
        .app
        .create_quota(&who(), &key, quota_draft("q", "1"))
        .await;
    assert_eq!(kind(refused), Kind::Invalid);
    let with_quota = LogicalCloudDraft {
        level: Level::Admin,
        quotas: vec![quota_draft("q", "1")],
        ..cloud_draft("lc2")
    };
    let error = world
        .app
        .create_logical_cloud(&who(), &key.project, with_quota)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(error.faults[0].field, "quota");
}

async fn a_cloud_with_quotas_does_not_become_an_admin_cloud(world: World) {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    let (app, who) = (&world.app, who());
    app.create_quota(&who, &key, quota_draft("q", "1"))
        .await
        .unwrap();
    let draft = LogicalCloudDraft {
        level: Level::Admin,
        ..cloud_draft("lc")
    };
    let put = async || {
        app.put_logical_cloud(&who, &key, draft.clone(), Precondition::None)
            .await
    };
    let error = put().await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.hint.unwrap().contains("quotas"));
    let name = QuotaName::parse("q").unwrap();
    app.delete_quota(&who, &key, &name, Precondition::None)
        .await
        .unwrap();
    put().await.unwrap();
}
