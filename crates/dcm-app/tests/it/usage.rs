//! What is used of the quotas, per member and added up.

use dcm_app::Precondition;
use dcm_store::{Batch, Expect};
use dcm_types::documents::{QuotaState, QuotaUsage};
use dcm_types::{CloudKey, Key};

use crate::members::target_key;
use crate::world::{World, quota_draft, who};

on_every_store!(
    usage_is_shown_per_member_and_added_up,
    usage_of_other_quotas_and_dropped_members_is_not_shown,
    usage_goes_with_the_cloud,
);

fn quota(name: &str, hard: &str, used: &str) -> QuotaState {
    let one = |amount| [("pods", amount)].into_iter();
    QuotaState::read(name, one(hard), one(used))
}

async fn record(world: &World, cloud: &CloudKey, name: &str, quotas: Vec<QuotaState>) {
    let usage = QuotaUsage {
        key: target_key(cloud, name),
        cloud_uid: world.lifecycle(cloud).await.cloud_uid,
        quotas,
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
    };
    let mut batch = Batch::new();
    batch.put(&usage, Expect::Anything).unwrap();
    world.store.commit(batch).await.unwrap();
}

/// A live cloud with the quota `q` on two clusters.
async fn live(world: &World) -> CloudKey {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let draft = quota_draft("q", "10");
    world.app.create_quota(&who(), &key, draft).await.unwrap();
    world.app.instantiate(&who(), &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    world.make_ready(&key, "c2").await;
    record(world, &key, "c1", vec![quota("q", "10", "3")]).await;
    record(world, &key, "c2", vec![quota("q", "10", "4")]).await;
    key
}

async fn usage_is_shown_per_member_and_added_up(world: World) {
    let key = live(&world).await;
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert_eq!(status.members[0].quotas, [quota("q", "10", "3")]);
    assert_eq!(status.members[1].quotas, [quota("q", "10", "4")]);
    assert_eq!(status.quota_totals(), [quota("q", "20", "7")]);
}

async fn usage_of_other_quotas_and_dropped_members_is_not_shown(world: World) {
    let key = live(&world).await;
    let all = vec![quota("gone", "1", "1"), quota("q", "10", "5")];
    record(&world, &key, "c1", all).await;
    world
        .app
        .delete_reference_of(
            &who(),
            &key,
            &crate::world::cluster("c2"),
            Precondition::None,
        )
        .await
        .unwrap();
    world.app.update(&who(), &key).await.unwrap();
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert_eq!(status.members[1].quotas, []);
    assert_eq!(status.quota_totals(), [quota("q", "10", "5")]);
}

async fn usage_goes_with_the_cloud(world: World) {
    let key = live(&world).await;
    world.app.terminate(&who(), &key).await.unwrap();
    world.make_absent(&key, "c1").await;
    world.make_absent(&key, "c2").await;
    world
        .app
        .delete_logical_cloud(&who(), &key, Precondition::None)
        .await
        .unwrap();
    for name in ["c1", "c2"] {
        let usage = Key::quota_usage(&target_key(&key, name));
        assert!(!world.exists(&usage).await);
    }
}
