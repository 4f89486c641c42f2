//! Revocation in the members: what was issued before opens nothing, from the moment a member is reached.

use std::sync::Arc;
use std::time::Duration;

use dcm_cluster::Call;
use dcm_cluster::meddling::Verdict;
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::Revision;
use dcm_types::member_name::user_identity;
use dcm_types::{ConditionStatus, Track};

use crate::world::{PATIENCE, World, condition, kubectl_as, next, object, revision, target};

/// The next revision, in which alice has the next identity.
fn revoked(revision: &Revision) -> Revision {
    let mut revision = next(revision);
    let (cloud, generation) = (revision.cloud_uid, revision.generation);
    let alice = &mut revision.slice.users[0];
    alice.identity = user_identity(cloud, cloud, alice.uid, generation);
    revision
}

fn opens(plane: &ControlPlane, kubeconfig: &str) -> bool {
    let (ok, text) = kubectl_as(plane, kubeconfig, &["get", "configmaps"]);
    assert!(ok || text.contains("orbidden"), "{text}");
    ok
}

/// Waits until a kubeconfig opens nothing.
async fn until_shut(plane: &ControlPlane, kubeconfig: &str) {
    let started = std::time::Instant::now();
    while opens(plane, kubeconfig) {
        assert!(started.elapsed() < PATIENCE, "it still opens something");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_before_opens_nothing_also_where_a_member_was_away() {
    let live = &shared_control_planes(2)[0];
    let planes = ControlPlane::start_many(1).unwrap();
    let away = &planes[0];
    let world = World::new();
    let one = world.register("one", live.kubeconfig()).await;
    let two = world.register("two", away.kubeconfig()).await;
    let first = revision(&[&one, &two]);
    let (near, far) = (target(&first, &one), target(&first, &two));
    world.wish(&first).await;
    world.ready(&near, 1).await;
    world.ready(&far, 1).await;
    let issued = async |key| world.access(key, "alice").await.unwrap();
    let (old_near, old_far) = (issued(&near).await, issued(&far).await);
    let (near_kubeconfig, far_kubeconfig) =
        (world.kubeconfig(&old_near), world.kubeconfig(&old_far));
    assert!(opens(live, &near_kubeconfig) && opens(away, &far_kubeconfig));

    away.stop();
    let second = revoked(&first);
    world.wish(&second).await;
    world.ready(&near, 2).await;
    assert!(!opens(live, &near_kubeconfig));
    let new = issued(&near).await;
    assert_ne!(new.identity, old_near.identity);
    let epoch = |access: &dcm_types::documents::Access| access.current.as_ref().unwrap().epoch;
    assert!(epoch(&new) > epoch(&old_near), "epochs only grow");
    assert!(opens(live, &world.kubeconfig(&new)));

    away.restart().unwrap();
    until_shut(away, &far_kubeconfig).await;
    world.ready(&far, 2).await;
    assert!(!opens(away, &far_kubeconfig));
    assert!(opens(away, &world.kubeconfig(&issued(&far).await)));
    world.quiet(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_bindings_go_although_no_new_certificate_comes() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = revision(&[&one]);
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    let old = world.kubeconfig(&world.access(&key, "alice").await.unwrap());
    // Nobody signs: what is sent as approval gets lost.
    world
        .ledger
        .judge(Some(Arc::new(|_, call: &Call| match call {
            Call::Approve(_) => Verdict::FailBefore(dcm_cluster::CallErrorKind::Forbidden),
            _ => Verdict::Pass,
        })));
    world.wish(&revoked(&first)).await;
    let waiting = world
        .until(&key, "blocked", |target| {
            condition(target, Track::Access).status == ConditionStatus::Blocked
        })
        .await;
    assert_eq!(condition(&waiting, Track::Access).reason, "Forbidden");
    assert!(!opens(plane, &old));
    let access = world.access(&key, "alice").await.unwrap();
    assert!(access.current.is_none(), "nothing is handed out");
    let namespace = first.slice.namespace.as_str();
    let bindings = ["rolebindings", "-n", namespace];
    assert_eq!(object(plane, &bindings), None);
}
