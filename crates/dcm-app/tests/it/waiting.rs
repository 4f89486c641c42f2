//! Waiting for a status.

use std::time::{Duration, Instant};

use dcm_app::{Precondition, Until};
use dcm_types::Kind;

use crate::members::ready_target;
use crate::world::{World, cloud_key, cluster, kind, who};

on_every_store!(
    a_wait_ends_with_the_hint,
    a_wait_goes_by_the_wanted_generation,
    a_wait_ends_in_time_and_says_that_it_does_not_hold,
    an_overtaken_wish_ends_the_wait,
    a_deleted_cloud_is_absent,
    a_lost_hint_costs_seconds_only,
    many_wait_at_once,
);

const LONG: Duration = Duration::from_mins(1);

async fn a_wait_ends_with_the_hint(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let (app, of) = (world.app.clone(), key.clone());
    let wait = tokio::spawn(async move {
        app.wait_status(&who(), &of, Until::Ready, Some(1), LONG)
            .await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begin = Instant::now();
    world.make_ready(&key, "c1").await;
    let (status, reached) = wait.await.unwrap().unwrap();
    assert!(reached && status.is_ready());
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "by the hint, not by the slow look"
    );
}

async fn a_wait_goes_by_the_wanted_generation(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    world.make_ready(&key, "c1").await;
    app.put_reference_of(
        &who,
        &key,
        &cluster("c1"),
        Some("192.0.2.1".parse().unwrap()),
        Precondition::None,
    )
    .await
    .unwrap();
    app.update(&who, &key).await.unwrap();
    let short = Duration::from_millis(50);
    let waits = async |generation| {
        let waited = app
            .wait_status(&who, &key, Until::Ready, generation, short)
            .await;
        waited.unwrap().1
    };
    assert!(
        !waits(None).await,
        "ready at an older generation is not ready"
    );
    world.make_ready(&key, "c1").await;
    assert!(waits(None).await);
    assert!(waits(Some(1)).await && waits(Some(2)).await);
    assert!(!waits(Some(3)).await, "generation 3 was never wanted");
}

async fn a_wait_ends_in_time_and_says_that_it_does_not_hold(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let begin = Instant::now();
    let short = Duration::from_millis(100);
    let (status, reached) = world
        .app
        .wait_status(&who(), &key, Until::Ready, None, short)
        .await
        .unwrap();
    assert!(!reached && status.wanted_generation == 0);
    assert!(begin.elapsed() >= short && begin.elapsed() < Duration::from_secs(4));
    let missing = world
        .app
        .wait_status(&who(), &cloud_key("p", "x"), Until::Absent, None, LONG)
        .await;
    assert_eq!(kind(missing), Kind::NotFound);
}

async fn an_overtaken_wish_ends_the_wait(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.app.terminate(&who(), &key).await.unwrap();
    let (status, reached) = world
        .app
        .wait_status(&who(), &key, Until::Ready, Some(1), LONG)
        .await
        .unwrap();
    assert!(!reached && status.wanted_generation == 2);
}

async fn a_deleted_cloud_is_absent(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.app.terminate(&who(), &key).await.unwrap();
    let (app, of) = (world.app.clone(), key.clone());
    let wait = tokio::spawn(async move {
        app.wait_status(&who(), &of, Until::Absent, Some(2), LONG)
            .await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The cloud goes before the waiter can look: the hint comes last.
    let target = ready_target(
        &crate::members::target_key(&key, "c1"),
        world.lifecycle(&key).await.cloud_uid,
        2,
    );
    world.make_absent(&key, "c1").await;
    world
        .app
        .delete_logical_cloud(&who(), &key, Precondition::None)
        .await
        .unwrap();
    world.synchronizer.tell(dcm_types::ports::StatusChange {
        target: target.key,
        applied_generation: None,
    });
    let (status, reached) = wait.await.unwrap().unwrap();
    assert!(reached && status.is_absent());
}

async fn a_lost_hint_costs_seconds_only(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let (app, of) = (world.app.clone(), key.clone());
    let wait =
        tokio::spawn(async move { app.wait_status(&who(), &of, Until::Ready, None, LONG).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let uid = world.lifecycle(&key).await.cloud_uid;
    let target = ready_target(&crate::members::target_key(&key, "c1"), uid, 1);
    let mut batch = dcm_store::Batch::new();
    batch.put(&target, dcm_store::Expect::Absent).unwrap();
    world.store.commit(batch).await.unwrap();
    assert!(wait.await.unwrap().unwrap().1);
}

async fn many_wait_at_once(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let waits: Vec<_> = (0..1000)
        .map(|_| {
            let (app, of) = (world.app.clone(), key.clone());
            tokio::spawn(async move {
                app.wait_status(&who(), &of, Until::Ready, Some(1), LONG)
                    .await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.make_ready(&key, "c1").await;
    for wait in waits {
        assert!(wait.await.unwrap().unwrap().1);
    }
}
