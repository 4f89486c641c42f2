//! Following a status: complete, resumable, and one reader for all.

use std::time::Duration;

use dcm_app::{Followed, Following, Precondition, Until};
use dcm_types::Kind;
use dcm_types::status::MemberState;
use tokio::time::timeout;

use crate::members::{ready_target, target_key};
use crate::world::{World, cloud_key, kind, who};

on_every_store!(
    a_follower_sees_the_present_and_every_change,
    a_follower_who_comes_back_is_told_only_what_is_new,
    times_of_looking_are_no_news,
    following_ends_with_the_cloud,
    an_action_is_seen_at_once,
    waiters_for_many_clouds_are_told_of_their_own,
);

const SOON: Duration = Duration::from_secs(10);

async fn next(following: &mut Following) -> Followed {
    let next = timeout(SOON, following.next()).await.expect("in time");
    next.unwrap().expect("the cloud exists")
}

async fn a_follower_sees_the_present_and_every_change(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let mut following = world.app.follow_status(&who(), &key, None).await.unwrap();
    let first = next(&mut following).await;
    assert_eq!(first.status.members[0].state, MemberState::Pending);
    world.make_ready(&key, "c1").await;
    let second = next(&mut following).await;
    assert!(second.status.is_ready() && second.cursor != first.cursor);
    world.app.stop(&who(), &key).await.unwrap();
    let third = next(&mut following).await;
    assert_eq!(third.status.members[0].state, MemberState::Paused);
    let missing = world
        .app
        .follow_status(&who(), &cloud_key("p", "x"), None)
        .await;
    assert_eq!(kind(missing.map(|_| ())), Kind::NotFound);
}

async fn a_follower_who_comes_back_is_told_only_what_is_new(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    let mut following = app.follow_status(&who, &key, None).await.unwrap();
    let cursor = next(&mut following).await.cursor;
    drop(following);
    let mut back = app.follow_status(&who, &key, Some(&cursor)).await.unwrap();
    assert!(
        timeout(Duration::from_millis(300), back.next())
            .await
            .is_err()
    );
    world.make_ready(&key, "c1").await;
    assert!(next(&mut back).await.status.is_ready());
    drop(back);
    let mut back = app.follow_status(&who, &key, Some(&cursor)).await.unwrap();
    assert!(
        next(&mut back).await.status.is_ready(),
        "it changed meanwhile"
    );
}

async fn times_of_looking_are_no_news(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    let mut following = world.app.follow_status(&who(), &key, None).await.unwrap();
    next(&mut following).await;
    let uid = world.lifecycle(&key).await.cloud_uid;
    let mut looked = ready_target(&target_key(&key, "c1"), uid, 1);
    looked.checked_at = Some("2026-03-01T13:00:00Z".parse().unwrap());
    world.record(&looked).await;
    let quiet = timeout(Duration::from_millis(300), following.next()).await;
    assert!(quiet.is_err());
}

async fn following_ends_with_the_cloud(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let mut following = world.app.follow_status(&who(), &key, None).await.unwrap();
    next(&mut following).await;
    world
        .app
        .delete_logical_cloud(&who(), &key, Precondition::None)
        .await
        .unwrap();
    let end = timeout(SOON, following.next()).await.expect("in time");
    assert_eq!(end.unwrap(), None);
}

async fn an_action_is_seen_at_once(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let mut following = world.app.follow_status(&who(), &key, None).await.unwrap();
    assert_eq!(next(&mut following).await.status.wanted_generation, 0);
    world.app.instantiate(&who(), &key).await.unwrap();
    assert_eq!(next(&mut following).await.status.wanted_generation, 1);
}

async fn waiters_for_many_clouds_are_told_of_their_own(world: World) {
    let first = world.cloud_on(&["c1"]).await;
    let second = cloud_key("p", "other");
    world.cloud(&second).await;
    world.app.instantiate(&who(), &first).await.unwrap();
    let wait = |key: &dcm_types::CloudKey, until| {
        let (app, of) = (world.app.clone(), key.clone());
        tokio::spawn(async move { app.wait_status(&who(), &of, until, None, SOON).await })
    };
    let ready = wait(&first, Until::Ready);
    let never = wait(&second, Until::Ready);
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.make_ready(&first, "c1").await;
    assert!(ready.await.unwrap().unwrap().1);
    assert!(!never.is_finished());
    never.abort();
    // The reader of the first one ends, and a later wait makes a new one.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    world.app.terminate(&who(), &first).await.unwrap();
    let absent = wait(&first, Until::Absent);
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.make_absent(&first, "c1").await;
    assert!(absent.await.unwrap().unwrap().1);
}
