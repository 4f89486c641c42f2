//! Stop: work rests until the next action, in every state.

use dcm_app::{Accepted, Deletion, Precondition};
use dcm_types::documents::{Action, Lifecycle, Wish};
use dcm_types::ports::Nudge;
use dcm_types::status::MemberState;
use dcm_types::{CloudKey, Kind};

use crate::world::{World, cloud_key, kind, who};

on_every_store!(
    a_stop_makes_no_generation_and_says_that_work_rests,
    every_other_action_resumes,
    a_stop_before_the_first_action_changes_nothing,
    a_stopped_cloud_goes_by_terminate_and_delete,
    a_deletion_that_is_promised_does_not_rest,
    forgotten_actions_are_counted,
);

fn accepted(generation: u64, wish: Wish, paused: bool) -> Accepted {
    Accepted {
        generation,
        wish,
        paused,
    }
}

async fn state(world: &World, key: &CloudKey) -> MemberState {
    let status = world.app.cloud_status(&who(), key).await.unwrap();
    status.members[0].state
}

async fn a_stop_makes_no_generation_and_says_that_work_rests(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    let before = world.deeds("p").await.len();
    for _ in 0..2 {
        let stopped = app.stop(&who, &key).await.unwrap();
        assert_eq!(stopped, accepted(1, Wish::Present, true));
    }
    assert_eq!(
        world.deeds("p").await[before..],
        ["stop logical-cloud/p/lc"]
    );
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert_eq!(status.members[0].state, MemberState::Paused);
    assert_eq!(
        status.members[0].conditions.len(),
        5,
        "what was known stays"
    );
    assert!(status.paused_at.is_some() && !status.is_ready());
    assert_eq!(status.last_action, Some(Action::Stop));
    assert_eq!(
        kind(app.stop(&who, &cloud_key("p", "x")).await),
        Kind::NotFound
    );
}

async fn every_other_action_resumes(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    for action in [Action::Instantiate, Action::Update] {
        app.stop(&who, &key).await.unwrap();
        world.synchronizer.nudges();
        let resumed = match action {
            Action::Instantiate => app.instantiate(&who, &key).await,
            _ => app.update(&who, &key).await,
        };
        assert_eq!(resumed.unwrap(), accepted(1, Wish::Present, false));
        assert_eq!(world.synchronizer.nudges(), [Nudge::Cloud(key.clone())]);
        assert_eq!(state(&world, &key).await, MemberState::Ready);
        let last = world.lifecycle(&key).await.history.pop().unwrap();
        assert_eq!((last.action, last.generation), (action, 1));
    }
    app.stop(&who, &key).await.unwrap();
    let absent = app.terminate(&who, &key).await.unwrap();
    assert_eq!(absent, accepted(2, Wish::Absent, false));
    app.stop(&who, &key).await.unwrap();
    assert_eq!(state(&world, &key).await, MemberState::Paused);
    assert_eq!(app.terminate(&who, &key).await.unwrap(), absent);
    app.stop(&who, &key).await.unwrap();
    assert_eq!(app.update(&who, &key).await.unwrap(), absent);
    assert_eq!(state(&world, &key).await, MemberState::Terminating);
}

async fn a_stop_before_the_first_action_changes_nothing(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    let stopped = app.stop(&who, &key).await.unwrap();
    assert_eq!(stopped, accepted(0, Wish::Absent, false));
    assert!(
        app.cloud_status(&who, &key)
            .await
            .unwrap()
            .history
            .is_empty()
    );
    let deleted = app
        .delete_logical_cloud(&who, &key, Precondition::None)
        .await;
    assert_eq!(deleted.unwrap(), Deletion::Done);
}

async fn a_stopped_cloud_goes_by_terminate_and_delete(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    app.stop(&who, &key).await.unwrap();
    let live = app
        .delete_logical_cloud(&who, &key, Precondition::None)
        .await;
    assert_eq!(kind(live), Kind::Conflict);
    app.terminate(&who, &key).await.unwrap();
    world.make_absent(&key, "c1").await;
    app.stop(&who, &key).await.unwrap();
    assert_eq!(state(&world, &key).await, MemberState::Absent);
    let deleted = app
        .delete_logical_cloud(&who, &key, Precondition::None)
        .await;
    assert_eq!(deleted.unwrap(), Deletion::Done);
}

async fn a_deletion_that_is_promised_does_not_rest(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    app.terminate(&who, &key).await.unwrap();
    for _ in 0..2 {
        app.stop(&who, &key).await.unwrap();
        world.synchronizer.nudges();
        let queued = app
            .delete_logical_cloud(&who, &key, Precondition::None)
            .await;
        assert_eq!(queued.unwrap(), Deletion::Queued);
        assert_eq!(world.synchronizer.nudges(), [Nudge::Cloud(key.clone())]);
        let lifecycle = world.lifecycle(&key).await;
        assert!(lifecycle.delete_when_absent && lifecycle.paused_at.is_none());
    }
}

async fn forgotten_actions_are_counted(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    for _ in 0..30 {
        app.instantiate(&who, &key).await.unwrap();
        app.stop(&who, &key).await.unwrap();
    }
    let lifecycle = world.lifecycle(&key).await;
    assert_eq!(lifecycle.history.len(), Lifecycle::HISTORY);
    assert_eq!(lifecycle.forgotten, 10);
    assert_eq!(lifecycle.generation, 1);
}
