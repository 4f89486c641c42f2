//! Nothing is left, and nobody else's is touched.

use std::time::{Duration, Instant};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dcm_cluster::meddling::Verdict;
use dcm_cluster::{Call, Resource};
use dcm_store::{Store, StoreExt as _};
use dcm_sync::{Config, Time};
use dcm_testkit::shared_control_planes;
use dcm_types::documents::{Access, Observed, Target};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{Key, TargetKey, Timestamp};

use crate::world::{
    World, commit_wish, kubectl, kubectl_as, next, object, owned, quick, revision, target,
    terminated,
};

#[tokio::test(flavor = "multi_thread")]
async fn terminated_slice_leaves_nothing_and_its_certificate_opens_nothing() {
    let planes = shared_control_planes(2);
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let two = world.register("two", planes[1].kubeconfig()).await;
    let revision = revision(&[&one, &two]);
    let keys = [target(&revision, &one), target(&revision, &two)];
    world.wish(&revision).await;
    let mut kubeconfigs = Vec::new();
    for key in &keys {
        world.ready(key, 1).await;
        kubeconfigs.push(world.kubeconfig(&world.access(key, "alice").await.unwrap()));
    }
    world.wish(&terminated(&revision)).await;
    let first_look = world
        .until(&keys[0], "empty", |target| target.emptied_at.is_some())
        .await;
    assert_ne!(
        first_look.observed,
        Observed::Absent,
        "one empty look is not enough"
    );
    assert!(
        world
            .reservation(&one, revision.slice.namespace.as_str())
            .await
    );
    for (plane, key) in planes.iter().zip(&keys) {
        world.absent(key).await;
        assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
        assert_eq!(world.all::<Access>(&key.path()).await, Vec::new());
    }
    let late = world.target(&keys[0]).await.unwrap();
    let waited = late
        .checked_at
        .unwrap()
        .duration_since(late.emptied_at.unwrap());
    assert!(
        waited.as_secs() >= 6,
        "run deadline and call deadline lie between: {waited:?}"
    );
    assert!(
        !world
            .reservation(&one, revision.slice.namespace.as_str())
            .await
    );
    for (plane, kubeconfig) in planes.iter().zip(&kubeconfigs) {
        let (ok, text) = kubectl_as(plane, kubeconfig, &["get", "configmaps"]);
        assert!(!ok && text.to_lowercase().contains("forbidden"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_that_jumps_does_not_shorten_the_wait_for_the_second_look() {
    let plane = &shared_control_planes(2)[0];
    let world = World::with(Config {
        run_deadline: Time::seconds(600),
        ..quick()
    });
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    world.wish(&terminated(&revision)).await;
    let first_look = world
        .until(&key, "empty", |target| target.emptied_at.is_some())
        .await;
    world.clock.advance(Duration::from_hours(12));
    let nudge = Nudge::Cloud(revision.cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
    let later = world
        .until(&key, "looked at again", |target| {
            target.checked_at > first_look.checked_at
        })
        .await;
    assert_ne!(
        later.observed,
        Observed::Absent,
        "an earlier run can still write"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slice_can_be_wished_again_while_it_goes() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let gone = terminated(&revision);
    world.wish(&gone).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut again = next(&gone);
    again.wish = revision.wish;
    again.members = revision.members.clone();
    world.wish(&again).await;
    world.ready(&key, 3).await;
    let access = world.access(&key, "alice").await.unwrap();
    assert!(kubectl_as(plane, &world.kubeconfig(&access), &["get", "configmaps"]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_member_is_cleaned_and_the_others_stay() {
    let planes = shared_control_planes(2);
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let two = world.register("two", planes[1].kubeconfig()).await;
    let revision = revision(&[&one, &two]);
    world.wish(&revision).await;
    world.ready(&target(&revision, &one), 1).await;
    world.ready(&target(&revision, &two), 1).await;
    let mut second = next(&revision);
    second.members.remove(1);
    world.wish(&second).await;
    world.ready(&target(&revision, &one), 2).await;
    let started = Instant::now();
    while world.target(&target(&revision, &two)).await.is_some() {
        assert!(started.elapsed() < crate::world::PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(owned(&planes[1], revision.cloud_uid), Vec::<String>::new());
    assert!(
        !world
            .reservation(&two, revision.slice.namespace.as_str())
            .await
    );
    assert!(!owned(&planes[0], revision.cloud_uid).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_that_goes_is_looked_at_with_one_call() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    world.ledger.clear();
    world.wish(&terminated(&revision)).await;
    world
        .until(&key, "empty", |target| target.emptied_at.is_some())
        .await;
    let listed = |call: &&Call| {
        matches!(
            call,
            Call::List {
                resource: Resource::RoleBinding,
                ..
            }
        )
    };
    let looks = world.ledger.calls().iter().filter(listed).count();
    assert!(
        looks <= 1,
        "before it goes; not while it goes, and nothing is in it afterwards: {looks} of {} calls",
        world.ledger.calls().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_that_waits_for_a_finalizer_says_so() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let namespace = revision.slice.namespace.as_str();
    kubectl(plane, &["create", "configmap", "held", "-n", namespace]);
    let patch = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        kubectl(
            plane,
            &[
                "patch",
                "configmap",
                "held",
                "-n",
                namespace,
                "--type=merge",
                "-p",
                &patch,
            ],
        );
    };
    patch(r#"["example.com/held"]"#);
    world.wish(&terminated(&revision)).await;
    world
        .until(&key, "waiting for the finalizer", |target| {
            target
                .conditions
                .iter()
                .any(|c| c.message.contains("example.com/held"))
        })
        .await;
    assert!(object(plane, &["namespace", namespace]).is_some());
    patch("null");
    world.absent(&key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wish_that_comes_with_the_last_look_keeps_its_reservation() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let gone = terminated(&revision);
    let mut again = next(&gone);
    again.wish = revision.wish;
    again.members.clone_from(&revision.members);
    // At the reads of the second look the wish changes, between what the run loaded and its commit.
    let wished = Arc::new(AtomicBool::new(false));
    let judge = {
        let (store, key) = (Arc::clone(&world.store), key.clone());
        let (again, wished) = (again.clone(), Arc::clone(&wished));
        move |_: usize, call: &Call| {
            let looks = matches!(
                call,
                Call::List {
                    resource: Resource::Role,
                    ..
                }
            );
            let target = looks.then(|| read_now(store.as_ref(), &key)).flatten();
            let second = target
                .and_then(|target| target.emptied_at)
                .is_some_and(|at| Timestamp::now().duration_since(at).as_secs() >= 6);
            if second && !wished.swap(true, Ordering::AcqRel) {
                futures::executor::block_on(commit_wish(store.as_ref(), &again));
            }
            Verdict::Pass
        }
    };
    world.ledger.judge(Some(Arc::new(judge)));
    world.wish(&gone).await;
    world.ready(&key, 3).await;
    assert!(
        wished.load(Ordering::Acquire),
        "the wish came at the second look"
    );
    assert!(
        world
            .reservation(&one, revision.slice.namespace.as_str())
            .await
    );
    let access = world.access(&key, "alice").await.unwrap();
    assert!(kubectl_as(plane, &world.kubeconfig(&access), &["get", "configmaps"]).0);
}

fn read_now(store: &dyn Store, key: &TargetKey) -> Option<Target> {
    let target = futures::executor::block_on(store.read::<Target>(&Key::target(key))).unwrap();
    target.map(|target| target.document)
}

/// A kubeconfig of a cluster that nobody answers for.
fn dead(kubeconfig: &str) -> String {
    let (before, rest) = kubeconfig.split_once("https://127.0.0.1:").unwrap();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    format!("{before}https://127.0.0.1:1{}", &rest[digits..])
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_on_a_cluster_that_never_answered_is_released() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", &dead(plane.kubeconfig())).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world
        .until(&key, "failed", |target| target.last_error.is_some())
        .await;
    let namespace = revision.slice.namespace.as_str();
    assert!(world.reservation(&one, namespace).await);
    world.wish(&terminated(&revision)).await;
    let absent = world
        .until(&key, "settled", |target| {
            target.applied_generation == Some(2)
        })
        .await;
    assert_eq!(absent.observed, Observed::Absent);
    assert_eq!(absent.last_error, None);
    assert!(!world.reservation(&one, namespace).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn wish_that_was_overtaken_before_its_first_run_leaves_no_reservation() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let held = dcm_types::documents::Reservation {
        cluster: one.clone(),
        namespace: revision.slice.namespace.clone(),
        cloud: revision.cloud.clone(),
        cloud_uid: revision.cloud_uid,
    };
    world.put(&held, dcm_store::Expect::Absent).await;
    world.wish(&terminated(&revision)).await;
    let key = target(&revision, &one);
    let absent = world
        .until(&key, "settled", |target| {
            target.applied_generation == Some(2)
        })
        .await;
    assert_eq!(absent.observed, Observed::Absent);
    let namespace = revision.slice.namespace.as_str();
    assert!(!world.reservation(&one, namespace).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reservation_of_another_cloud_is_never_released() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let held = dcm_types::documents::Reservation {
        cluster: one.clone(),
        namespace: revision.slice.namespace.clone(),
        cloud: revision.cloud.clone(),
        cloud_uid: dcm_types::Uid::from_random([9; 16]),
    };
    world.put(&held, dcm_store::Expect::Exists).await;
    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    let namespace = revision.slice.namespace.as_str();
    assert!(world.reservation(&one, namespace).await);
}
