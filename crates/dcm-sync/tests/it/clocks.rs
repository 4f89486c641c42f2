//! Our clock jumps, or differs from those of members: what is there stays, and work goes on. On simulated members, whose
//! clocks are right.

use std::time::Duration;

use dcm_types::documents::Target;
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ConditionStatus, Track};

use crate::simulated::ours;
use crate::world::{World, condition, next, quota, revision, target, terminated};

const HALF_A_DAY: i64 = 12 * 60 * 60;

fn is_blocked(target: &Target) -> bool {
    target
        .conditions
        .iter()
        .any(|condition| condition.status == ConditionStatus::Blocked)
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_half_a_day_either_way_changes_nothing_that_is_there() {
    let (world, members) = World::simulated(&["one"]);
    let member = &members[0];
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    let mut wanted = revision(&[&one]);
    let key = target(&wanted, &one);
    let namespace = wanted.slice.namespace.to_string();
    world.wish(&wanted).await;
    world.ready(&key, 1).await;
    let first = world.access(&key, "alice").await.unwrap();
    for (round, jump) in (5..).zip([HALF_A_DAY, -2 * HALF_A_DAY, HALF_A_DAY]) {
        world.clock.step(jump);
        let nudge = Nudge::Cloud(wanted.cloud.clone());
        world.handle.nudge(nudge).await.unwrap();
        world.quiet(Duration::from_secs(1)).await;
        let generation = wanted.generation;
        world.ready(&key, generation).await;
        // What is wished now is done now.
        wanted = next(&wanted);
        wanted.slice.quotas[0] = quota("limits", &[("configmaps", &round.to_string())]);
        world.wish(&wanted).await;
        world.ready(&key, wanted.generation).await;
        let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/limits");
        let hard = member.object(&path).unwrap()["status"]["hard"]["configmaps"].clone();
        assert_eq!(hard, round.to_string());
        let access = world.access(&key, "alice").await.unwrap();
        assert_eq!(
            access.current.unwrap().epoch,
            first.current.as_ref().unwrap().epoch,
            "no other certificate was asked for"
        );
    }
    world.clock.step(-HALF_A_DAY);
    world.wish(&terminated(&wanted)).await;
    world.clock.step(2 * HALF_A_DAY);
    world.absent(&key).await;
    assert_eq!(ours(member), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_begins_within_ten_minutes_is_no_error() {
    let (world, members) = World::simulated(&["one"]);
    let one = world
        .register("one", &members[0].kubeconfig().unwrap())
        .await;
    world.clock.step(-9 * 60);
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    let target = world.ready(&key, 1).await;
    assert!(!is_blocked(&target), "{target:#?}");
    let current = world.access(&key, "alice").await.unwrap().current.unwrap();
    assert!(current.usable);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_half_a_day_behind_holds_back_new_access_and_nothing_else() {
    let (world, members) = World::simulated(&["one"]);
    let one = world
        .register("one", &members[0].kubeconfig().unwrap())
        .await;
    world.clock.step(-HALF_A_DAY);
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    let waits = |target: &Target| {
        let mut conditions = target.conditions.iter();
        conditions.any(|condition| condition.reason == "CertificateNotYetValid")
    };
    let target = world.until(&key, "told to wait", waits).await;
    assert_eq!(
        condition(&target, Track::Quota).status,
        ConditionStatus::True
    );
    assert!(
        world
            .access(&key, "alice")
            .await
            .is_none_or(|access| access.current.is_none())
    );
    world.clock.step(HALF_A_DAY);
    world.ready(&key, 1).await;
    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    assert_eq!(ours(&members[0]), [""; 0]);
}
