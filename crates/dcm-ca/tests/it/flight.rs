//! At most so many members get another intermediate at the same time.

use std::time::Duration;

use dcm_ca::Policy;
use dcm_types::ca::{RotationKind, RotationPhase};

use crate::world::{DAY, World, policy};

const CLUSTERS: [&str; 5] = ["a", "b", "c", "d", "e"];

async fn two_at_a_time() -> World {
    let world = World::with(Policy {
        edges_in_flight: 2,
        ..policy()
    })
    .await;
    for cluster in CLUSTERS {
        world.follow(cluster).await;
    }
    world
}

/// Clusters whose newest intermediate was not seen in them.
async fn flying(world: &World) -> Vec<String> {
    let edges = world.edges().await.into_iter();
    let newer = edges.filter(|edge| {
        let loaded = edge.loaded.map(|seen| seen.version.generation);
        loaded < edge.current().map(|current| current.generation)
    });
    newer
        .map(|edge| edge.target.cluster.cluster.to_string())
        .collect()
}

#[tokio::test]
async fn a_rotation_goes_on_two_members_at_a_time() {
    let world = two_at_a_time().await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    let mut rounds = 0;
    while world.phase().await != RotationPhase::Done {
        let flying = flying(&world).await;
        assert!((1..=2).contains(&flying.len()), "{flying:?}");
        // Also who asks for a bundle waits for its turn.
        for cluster in CLUSTERS {
            world.ensure(cluster).await;
        }
        assert_eq!(self::flying(&world).await, flying);
        for cluster in flying {
            world.follow(&cluster).await;
        }
        world.look().await;
        rounds += 1;
    }
    assert_eq!(rounds, 3);
}

#[tokio::test]
async fn members_that_do_not_answer_keep_the_others_waiting_for_a_while_only() {
    let world = two_at_a_time().await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    let away = flying(&world).await;
    assert_eq!(away.len(), 2);
    world.clock.forward(Duration::from_mins(9));
    world.look().await;
    assert_eq!(flying(&world).await, away);
    world.clock.forward(Duration::from_mins(2));
    world.look().await;
    assert_eq!(flying(&world).await.len(), 4);
}

#[tokio::test]
async fn nobody_waits_when_its_intermediate_would_end_too_soon() {
    let world = two_at_a_time().await;
    world
        .clock
        .forward(89 * DAY + Duration::from_mins(23 * 60 + 30));
    world.look().await;
    assert_eq!(flying(&world).await.len(), CLUSTERS.len());
}
