//! Members that are away: they delay nobody, say why, and go on when they return.

use std::time::{Duration, Instant};

use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::Observed;
use dcm_types::{ConditionStatus, Track};

use crate::world::{World, condition, next, owned, quota, revision, target, terminated};

#[tokio::test(flavor = "multi_thread")]
async fn dead_and_frozen_members_delay_nobody_and_catch_up() {
    let live = &shared_control_planes(2)[0];
    let planes = ControlPlane::start_many(1).unwrap();
    let plane = &planes[0];
    let world = World::new();
    let one = world.register("one", live.kubeconfig()).await;
    let two = world.register("two", plane.kubeconfig()).await;
    let revision = revision(&[&one, &two]);
    let (first, second) = (target(&revision, &one), target(&revision, &two));
    world.wish(&revision).await;
    world.ready(&first, 1).await;
    world.ready(&second, 1).await;

    // Frozen: it accepts connections and never answers.
    plane.freeze().unwrap();
    let mut raised = next(&revision);
    raised.slice.quotas = vec![quota("limits", &[("configmaps", "4")])];
    let asked = Instant::now();
    world.wish(&raised).await;
    world.ready(&first, 2).await;
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "the live member did not wait"
    );
    let away = world
        .until(&second, "away", |target| target.last_error.is_some())
        .await;
    assert_eq!(away.last_error.as_ref().unwrap().category, "timeout");
    assert_eq!(
        condition(&away, Track::Member).status,
        ConditionStatus::Unknown
    );
    assert!(condition(&away, Track::Member).hint.is_some());
    plane.thaw().unwrap();
    world.ready(&second, 2).await;

    // Dead: nothing listens.
    plane.stop();
    let lowered = next(&raised);
    world.wish(&lowered).await;
    world.ready(&first, 3).await;
    let away = world
        .until(&second, "away", |target| target.last_error.is_some())
        .await;
    assert_eq!(away.last_error.as_ref().unwrap().category, "unreachable");
    assert_ne!(away.applied_generation, Some(3));
    // Terminated while it is away: it is cleaned when it returns.
    world.wish(&terminated(&lowered)).await;
    world.absent(&first).await;
    assert_ne!(
        world.target(&second).await.unwrap().observed,
        Observed::Absent
    );
    plane.restart().unwrap();
    world.absent(&second).await;
    assert!(owned(plane, revision.cloud_uid).is_empty());
}
