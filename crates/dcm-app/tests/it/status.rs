//! Where a cloud and its members stand, from what was recorded of them.

use dcm_app::Precondition;
use dcm_types::documents::{Action, Observed, Target, Wish};
use dcm_types::status::{MemberState, MemberStatus};
use dcm_types::{CloudKey, ConditionStatus};

use crate::members::{failure, ready_target, target_key};
use crate::world::{World, cluster, who};

on_every_store!(
    states_follow_from_what_was_recorded,
    a_cloud_is_ready_at_the_wanted_generation_only,
    a_dropped_member_is_shown_until_it_is_clean,
    a_terminated_cloud_shows_what_is_left,
    the_age_of_a_kubeconfig_is_shown,
);

async fn members(world: &World, key: &CloudKey) -> Vec<MemberStatus> {
    world.app.cloud_status(&who(), key).await.unwrap().members
}

async fn state(world: &World, key: &CloudKey) -> MemberState {
    let members = members(world, key).await;
    assert_eq!(members.len(), 1);
    members[0].state
}

type Row = (fn(&mut Target), MemberState);

/// What is changed of a target of which everything is in force, and the state that follows.
const TRACKS: &[Row] = &[
    (|_| {}, MemberState::Ready),
    (|t| t.observed = Observed::Unknown, MemberState::Progressing),
    (|t| t.applied_generation = None, MemberState::Progressing),
    (|t| drop(t.conditions.pop()), MemberState::Progressing),
    (
        |t| t.conditions[2].status = ConditionStatus::Progressing,
        MemberState::Progressing,
    ),
    (
        |t| t.conditions[2].status = ConditionStatus::Unknown,
        MemberState::Progressing,
    ),
    (
        |t| t.conditions[1].status = ConditionStatus::Blocked,
        MemberState::Blocked,
    ),
    (
        |t| {
            t.observed = Observed::Unknown;
            t.wanted_generation = 0;
        },
        MemberState::Pending,
    ),
];

/// The category of the last error, and the state that follows.
const ERRORS: &[(&str, MemberState)] = &[
    ("store", MemberState::Progressing),
    ("internal", MemberState::Blocked),
    ("duplicate-cluster", MemberState::Blocked),
    ("not-registered", MemberState::Blocked),
    ("ahead", MemberState::Blocked),
    ("unreachable", MemberState::Unreachable),
    ("timeout", MemberState::Unreachable),
    ("tls", MemberState::Unreachable),
    ("unauthorized", MemberState::Blocked),
    ("forbidden", MemberState::Blocked),
    ("invalid", MemberState::Blocked),
    ("identity-changed", MemberState::Blocked),
    ("refused-address", MemberState::Blocked),
    ("conflict", MemberState::Progressing),
];

async fn states_follow_from_what_was_recorded(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    assert_eq!(state(&world, &key).await, MemberState::Pending);
    let uid = world.lifecycle(&key).await.cloud_uid;
    let ready = ready_target(&target_key(&key, "c1"), uid, 1);
    for (change, wanted) in TRACKS {
        let mut target = ready.clone();
        change(&mut target);
        world.record(&target).await;
        assert_eq!(state(&world, &key).await, *wanted, "{target:?}");
    }
    for (category, wanted) in ERRORS {
        let mut target = ready.clone();
        target.last_error = Some(failure(category));
        world.record(&target).await;
        assert_eq!(state(&world, &key).await, *wanted, "{category}");
    }
}

async fn a_cloud_is_ready_at_the_wanted_generation_only(world: World) {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    assert!(!app.cloud_status(&who, &key).await.unwrap().is_ready());
    world.make_ready(&key, "c2").await;
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert!(status.is_ready());
    assert_eq!(status.wanted_generation, 1);
    assert_eq!(status.last_action, Some(Action::Instantiate));
    let references: Vec<_> = status
        .members
        .iter()
        .map(|member| member.reference.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(references, ["edge-c1", "edge-c2"]);

    app.put_reference_of(
        &who,
        &key,
        &cluster("c2"),
        Some("192.0.2.1".parse().unwrap()),
        Precondition::None,
    )
    .await
    .unwrap();
    assert!(app.cloud_status(&who, &key).await.unwrap().is_ready());
    app.update(&who, &key).await.unwrap();
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert!(!status.is_ready() && status.wanted_generation == 2);
    assert_eq!(status.members[0].applied_generation, Some(1));
}

async fn a_dropped_member_is_shown_until_it_is_clean(world: World) {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    app.delete_reference_of(&who, &key, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    app.update(&who, &key).await.unwrap();
    world.make_ready(&key, "c2").await;
    let shown = members(&world, &key).await;
    assert_eq!(shown[0].state, MemberState::Terminating);
    assert_eq!(shown[0].reference, None);
    assert!(!app.cloud_status(&who, &key).await.unwrap().is_ready());
    world.make_absent(&key, "c1").await;
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert_eq!(status.members.len(), 1);
    assert!(status.is_ready());
}

async fn a_terminated_cloud_shows_what_is_left(world: World) {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    world.make_ready(&key, "c2").await;
    app.terminate(&who, &key).await.unwrap();
    world.make_absent(&key, "c2").await;
    let uid = world.lifecycle(&key).await.cloud_uid;
    let mut dead = ready_target(&target_key(&key, "c1"), uid, 2);
    dead.observed = Observed::Unknown;
    for (category, wanted) in [
        ("unreachable", MemberState::Unreachable),
        ("ahead", MemberState::Blocked),
        ("conflict", MemberState::Terminating),
    ] {
        dead.last_error = Some(failure(category));
        world.record(&dead).await;
        let shown = members(&world, &key).await;
        assert_eq!(
            (shown[0].state, shown[1].state),
            (wanted, MemberState::Absent)
        );
    }
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert!(!status.is_absent() && status.wish == Some(Wish::Absent));
    world.make_absent(&key, "c1").await;
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert!(status.is_absent() && status.members.len() == 2);
}

async fn the_age_of_a_kubeconfig_is_shown(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    assert_eq!(members(&world, &key).await[0].kubeconfig_until, None);
    world.issue(&key, "c1", false).await;
    assert_eq!(members(&world, &key).await[0].kubeconfig_until, None);
    let access = world.issue(&key, "c1", true).await;
    let until = access.current.map(|current| current.not_after);
    assert_eq!(members(&world, &key).await[0].kubeconfig_until, until);
    world.app.terminate(&who(), &key).await.unwrap();
    assert_eq!(members(&world, &key).await[0].kubeconfig_until, None);
}
