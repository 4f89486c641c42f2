//! What is left of a deleted cloud in a member that was away is cleaned up when it returns.

use std::sync::Arc;

use dcm_cluster::Call;
use dcm_cluster::meddling::Verdict;
use dcm_store::{Batch, Expect, StoreExt as _};
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{LastError, Revision, Target, Tombstone};
use dcm_types::ports::{Nudge, Randomness as _, Synchronizer as _};
use dcm_types::{CloudKey, ClusterKey, DocumentKind, Key};
use tokio::time::Instant;

use crate::world::{PATIENCE, SystemRandomness, World, next, owned, revision, target, terminated};

/// Deletes a cloud as the background step does when a member does not answer.
pub(crate) async fn bury(world: &World, gone: &Revision, cluster: &ClusterKey) -> Tombstone {
    let key = target(gone, cluster);
    let tombstone = Tombstone {
        id: SystemRandomness.uid(),
        project_uid: SystemRandomness.uid(),
        revision: gone.clone(),
        target: world.target(&key).await.unwrap(),
        created_at: gone.created_at,
    };
    let mut batch = Batch::new();
    batch.put(&tombstone, Expect::Absent).unwrap();
    batch.delete(Key::target(&key), Expect::Exists);
    batch.delete(
        Key::of_cloud(DocumentKind::Lifecycle, &gone.cloud),
        Expect::Exists,
    );
    for generation in 1..=gone.generation {
        batch.delete(Key::revision(gone.cloud_uid, generation), Expect::Exists);
    }
    let access = dcm_types::UserName::parse("alice").unwrap();
    batch.delete(Key::access(&key, &access), Expect::Anything);
    batch.delete(Key::quota_usage(&key), Expect::Anything);
    world.store.commit(batch).await.unwrap();
    tombstone
}

pub(crate) async fn until_gone(world: &World, tombstone: &Tombstone) {
    let key = Key::tombstone(tombstone.id);
    let started = Instant::now();
    while let Some(found) = world.store.read::<Tombstone>(&key).await.unwrap() {
        assert!(started.elapsed() < PATIENCE, "{:#?}", found.document);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A slice in a member that is switched off, terminated and buried.
async fn buried(world: &World, plane: &ControlPlane, one: &ClusterKey) -> (Revision, Tombstone) {
    let revision = revision(&[one]);
    let key = target(&revision, one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    plane.stop();
    let gone = terminated(&revision);
    world.wish(&gone).await;
    let away = world
        .until(&key, "out of reach", |target: &Target| {
            let last = target.last_error.as_ref();
            target.wanted_generation == 2 && last.is_some_and(LastError::says_no_contact)
        })
        .await;
    assert_eq!(away.last_error.unwrap().category, "unreachable");
    let tombstone = bury(world, &gone, one).await;
    (gone, tombstone)
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_of_a_deleted_cloud_goes_when_its_member_returns() {
    let planes = ControlPlane::start_many(1).unwrap();
    let plane = &planes[0];
    let mut world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let (gone, tombstone) = buried(&world, plane, &one).await;
    let namespace = gone.slice.namespace.as_str();
    // It is found again after a restart, from its document alone.
    world.restart().await;
    plane.restart().unwrap();
    assert!(!owned(plane, gone.cloud_uid).is_empty());
    until_gone(&world, &tombstone).await;
    assert_eq!(owned(plane, gone.cloud_uid), Vec::<String>::new());
    assert!(!world.reservation(&one, namespace).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn namesake_of_a_deleted_cloud_is_untouched_by_its_clean_up() {
    let planes = ControlPlane::start_many(1).unwrap();
    let plane = &planes[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let (gone, tombstone) = buried(&world, plane, &one).await;
    // The same name, project and cluster, in another namespace.
    let mut namesake = revision(&[&one]);
    namesake.cloud.clone_from(&gone.cloud);
    let key = target(&namesake, &one);
    world.wish(&namesake).await;
    plane.restart().unwrap();
    world.ready(&key, 1).await;
    until_gone(&world, &tombstone).await;
    assert_eq!(owned(plane, gone.cloud_uid), Vec::<String>::new());
    assert!(world.access(&key, "alice").await.is_some());
    let namespace = namesake.slice.namespace.as_str();
    assert!(world.reservation(&one, namespace).await);
    let mut again = next(&namesake);
    again.slice.quotas.clear();
    world.wish(&again).await;
    world.ready(&key, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_the_namespace_is_not_held() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    // The cluster was forgotten, and another one registered under its name.
    let held = Key::reservation(&one, &revision.slice.namespace);
    let mut batch = Batch::new();
    batch.delete(held, Expect::Exists);
    batch.delete(Key::target(&key), Expect::Exists);
    world.store.commit(batch).await.unwrap();
    world.ledger.clear();
    nudge(&world, &revision.cloud).await;
    let forgotten = world
        .until(&key, "forgotten", |target| target.last_error.is_some())
        .await;
    assert_eq!(forgotten.last_error.unwrap().category, "forgotten");
    assert_eq!(world.ledger.mutations(), Vec::<String>::new());
    // A wish that reserves it makes it go on: what is there is ours.
    let again = next(&revision);
    world.wish(&again).await;
    world.ready(&key, 2).await;
}

async fn nudge(world: &World, cloud: &CloudKey) {
    let nudge = Nudge::Cloud(cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn run_that_began_before_a_write_off_writes_nothing_after_it() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = revision(&[&one]);
    world.wish(&first).await;
    let key = target(&first, &one);
    world.ready(&key, 1).await;
    // At the first read of the next run the reservation is written off.
    let store = Arc::clone(&world.store);
    let held = Key::reservation(&one, &first.slice.namespace);
    let judge = move |_: usize, call: &Call| {
        if matches!(call, Call::List { .. }) {
            let mut batch = Batch::new();
            batch.delete(held.clone(), Expect::Anything);
            futures::executor::block_on(store.commit(batch)).unwrap();
        }
        Verdict::Pass
    };
    let mut changed = next(&first);
    changed.slice.quotas.clear();
    world.ledger.judge(Some(Arc::new(judge)));
    world.ledger.clear();
    world.wish(&changed).await;
    world
        .until(&key, "forgotten", |target| {
            let last = target.last_error.as_ref();
            last.is_some_and(|last| last.category == "forgotten")
        })
        .await;
    assert_eq!(world.ledger.mutations(), Vec::<String>::new());
}
