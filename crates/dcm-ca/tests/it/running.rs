//! The loop: it is woken by what changes, and ends when it is told to.

use std::time::Duration;

use dcm_types::ca::{CaChange, CaController as _, RotationKind, RotationPhase};
use futures::StreamExt as _;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::world::{World, delete_cloud, target};

/// Longer than anything here takes; the loop's own interval is a minute.
const DEADLINE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_rotation_is_carried_on_by_reports_and_the_loop_ends_when_it_is_told() {
    let world = World::new().await;
    let mut changes = world.ca.watch();
    let end = CancellationToken::new();
    let running = tokio::spawn(dcm_ca::run(world.ca.clone(), end.clone()));
    world.follow("berlin").await;
    world.start(RotationKind::Intermediate).await.unwrap();
    let done = async {
        while world.phase().await != RotationPhase::Done {
            let change = changes.next().await.unwrap();
            if change == CaChange::Target(target("berlin")) {
                world.follow("berlin").await;
            }
        }
    };
    timeout(DEADLINE, done).await.unwrap();
    assert_eq!(world.ensure("berlin").await.version.generation, 2);
    end.cancel();
    timeout(DEADLINE, running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_look_after_the_end_of_a_cloud_closes_everything_of_it() {
    let world = World::new().await;
    world.ensure("berlin").await;
    world.ensure("paris").await;
    delete_cloud(&*world.store, "shop").await;
    world.look().await;
    assert!(world.edges().await.is_empty());
    let before = world.verified_events().await;
    world.look().await;
    assert_eq!(world.verified_events().await, before);
}
