//! Gates: who holds a rotation up, for how long, and what does not open one.

use std::time::Duration;

use dcm_types::ca::{CaController as _, EvidenceStage, RotationKind, RotationPhase};
use dcm_types::ports::Clock as _;
use jiff::SignedDuration;

use crate::world::{DAY, HOUR, World, somebody, target};

async fn trusting_both() -> World {
    let world = World::new().await;
    world.follow("berlin").await;
    world.follow("paris").await;
    world.start(RotationKind::Anchor).await.unwrap();
    world.look().await;
    world
}

#[tokio::test]
async fn a_member_that_is_away_holds_the_gate_and_is_named() {
    let world = trusting_both().await;
    world.follow("berlin").await;
    world.live(DAY).await;
    let state = world.rotation().await;
    assert_eq!(state.phase, RotationPhase::TrustBoth);
    let [waiting] = state.waiting.as_slice() else {
        panic!("{:?}", state.waiting)
    };
    assert_eq!(waiting.cluster, target("paris").cluster);
    assert_eq!(waiting.missing, EvidenceStage::Written);
    assert!(waiting.last_seen.is_some());
    world.follow("paris").await;
    world.live(2 * HOUR).await;
    assert_eq!(world.phase().await, RotationPhase::SignWithNew);
}

#[tokio::test]
async fn a_member_that_is_released_holds_nothing_up() {
    let world = trusting_both().await;
    world.follow("berlin").await;
    world
        .ca
        .release(&target("paris"), &somebody())
        .await
        .unwrap();
    world
        .ca
        .release(&target("paris"), &somebody())
        .await
        .unwrap();
    world.live(2 * HOUR).await;
    assert_eq!(world.phase().await, RotationPhase::SignWithNew);
    world.verified_events().await;
}

#[tokio::test]
async fn leaves_must_have_aged_since_the_last_member_followed() {
    let world = trusting_both().await;
    world.follow("berlin").await;
    world.live(HOUR).await;
    world.follow("paris").await;
    world.live(HOUR / 2).await;
    let state = world.rotation().await;
    assert_eq!(state.phase, RotationPhase::TrustBoth);
    assert!(state.waiting.is_empty());
    assert!(state.aged_at.is_some());
}

#[tokio::test]
async fn a_clock_that_jumps_forward_ages_nothing() {
    let world = trusting_both().await;
    world.follow("berlin").await;
    world.follow("paris").await;
    world.look().await;
    for _ in 0..5 {
        world.clock.forward(DAY);
        world.look().await;
    }
    assert_eq!(world.phase().await, RotationPhase::TrustBoth);
    let back = world.clock.now() - SignedDuration::from_hours(24 * 5);
    world.clock.set(back);
    world.look().await;
    world.live(HOUR / 2).await;
    assert_eq!(world.phase().await, RotationPhase::TrustBoth);
    world.live(HOUR).await;
    assert_eq!(world.phase().await, RotationPhase::SignWithNew);
}

#[tokio::test]
async fn a_member_that_joins_late_begins_the_aging_anew() {
    let world = trusting_both().await;
    world.follow("berlin").await;
    world.follow("paris").await;
    world.live(HOUR).await;
    world.follow("rome").await;
    world.look().await;
    world.live(HOUR / 2).await;
    assert_eq!(world.phase().await, RotationPhase::TrustBoth);
}

#[tokio::test]
async fn late_and_repeated_reports_say_nothing_new() {
    let world = World::new().await;
    let old = world.follow("berlin").await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    world.follow("berlin").await;
    let before = world.edges().await;
    world.clock.forward(Duration::from_mins(1));
    world.report(&old, EvidenceStage::Loaded).await;
    world.follow("berlin").await;
    assert_eq!(world.edges().await, before);
}

#[tokio::test]
async fn a_report_about_a_generation_that_was_never_made_is_refused() {
    let world = World::new().await;
    let mut bundle = world.follow("berlin").await;
    bundle.version.generation += 1;
    let report = crate::world::evidence(&bundle, EvidenceStage::Loaded);
    let refused = world.ca.report_evidence(&report).await.unwrap_err();
    assert!(refused.message.contains("restore"), "{refused}");
}
