//! Rotations: phase by phase, without a moment in which two live workloads do not know each other.

use dcm_types::Kind;
use dcm_types::ca::{CaController as _, EvidenceStage, RotationKind, RotationPhase, StartRotation};
use dcm_types::ports::Clock as _;

use crate::mesh::{Mesh, Workload, ders};
use crate::world::{HOUR, World, cloud, somebody, target};

const MEMBERS: [&str; 2] = ["berlin", "paris"];

async fn everybody_follows(world: &World) {
    for member in MEMBERS {
        world.follow(member).await;
    }
}

#[tokio::test]
async fn an_anchor_is_replaced_in_three_phases_and_every_leaf_verifies_in_each() {
    let world = World::new().await;
    everybody_follows(&world).await;
    let before = world.ensure("berlin").await;
    world.start(RotationKind::Anchor).await.unwrap();
    let mut mesh = Mesh::default();
    let mut phases = Vec::new();
    for _ in 0..200 {
        world.look().await;
        for member in MEMBERS {
            let bundle = world.follow(member).await;
            mesh.add(Workload::sign(&bundle, world.clock.now(), HOUR).unwrap());
        }
        mesh.check(world.clock.now()).unwrap();
        phases.push(world.phase().await);
        world.clock.forward(std::time::Duration::from_secs(100));
        if phases.last() == Some(&RotationPhase::Done) {
            break;
        }
    }
    phases.dedup();
    let expected = [
        RotationPhase::TrustBoth,
        RotationPhase::SignWithNew,
        RotationPhase::OldOut,
        RotationPhase::Done,
    ];
    assert_eq!(phases, expected);
    let after = world.ensure("berlin").await;
    assert_eq!(ders(&after.anchors_pem).len(), 1);
    assert_ne!(after.anchors_pem, before.anchors_pem);
    assert_eq!(world.authority().await.anchors.len(), 1);
    world.verified_events().await;
}

#[tokio::test]
async fn intermediates_are_replaced_under_the_same_anchor() {
    let world = World::new().await;
    everybody_follows(&world).await;
    let before = world.ensure("berlin").await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    let state = world.rotation().await;
    assert_eq!(state.waiting.len(), MEMBERS.len());
    everybody_follows(&world).await;
    world.look().await;
    assert_eq!(world.phase().await, RotationPhase::Done);
    let after = world.ensure("berlin").await;
    assert_eq!(after.anchors_pem, before.anchors_pem);
    assert_eq!(after.version.generation, before.version.generation + 1);
    assert_eq!(after.version.trust, before.version.trust);
}

#[tokio::test]
async fn a_second_rotation_and_an_import_wait_for_the_first() {
    let world = World::new().await;
    everybody_follows(&world).await;
    world.start(RotationKind::Anchor).await.unwrap();
    for kind in [RotationKind::Anchor, RotationKind::Intermediate] {
        let refused = world.start(kind).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Conflict);
    }
    let scope = dcm_types::ca::AuthorityScope::Cloud(cloud("shop"));
    let refused = world
        .ca
        .authority_request(&scope, &somebody())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
}

#[tokio::test]
async fn a_dry_run_tells_phases_and_who_is_behind_and_changes_nothing() {
    let world = World::new().await;
    world.follow("berlin").await;
    world.ensure("paris").await;
    let before = (world.authority().await, world.edges().await);
    let start = StartRotation {
        cloud: cloud("shop"),
        kind: RotationKind::Anchor,
        dry_run: true,
    };
    let told = world.ca.start_rotation(&start, &somebody()).await.unwrap();
    assert!(told.dry_run);
    assert_eq!(told.goals.len(), 5);
    let waiting: Vec<_> = told.waiting.iter().map(|one| one.cluster.clone()).collect();
    assert_eq!(waiting, vec![target("paris").cluster]);
    world.look().await;
    assert_eq!((world.authority().await, world.edges().await), before);
}

#[tokio::test]
async fn before_the_new_anchor_signs_a_rotation_is_taken_back() {
    let world = World::new().await;
    everybody_follows(&world).await;
    let before = world.ensure("berlin").await;
    world.start(RotationKind::Anchor).await.unwrap();
    world.look().await;
    world.follow("berlin").await;
    let state = world
        .ca
        .abort_rotation(&cloud("shop"), &somebody())
        .await
        .unwrap();
    assert_eq!(state.phase, RotationPhase::TakingBack);
    // The member that trusts both must have been seen to trust one before another rotation begins.
    world.look().await;
    assert_eq!(
        world.start(RotationKind::Anchor).await.unwrap_err().kind,
        Kind::Conflict
    );
    everybody_follows(&world).await;
    world.look().await;
    assert_eq!(world.phase().await, RotationPhase::Aborted);
    let after = world.ensure("berlin").await;
    assert_eq!(after.anchors_pem, before.anchors_pem);
    assert_eq!(world.authority().await.anchors.len(), 1);
    world.start(RotationKind::Anchor).await.unwrap();
    world.verified_events().await;
}

#[tokio::test]
async fn once_the_new_anchor_signs_there_is_no_way_back() {
    let world = World::new().await;
    everybody_follows(&world).await;
    world.start(RotationKind::Anchor).await.unwrap();
    world.look().await;
    everybody_follows(&world).await;
    world.live(2 * HOUR).await;
    assert_eq!(world.phase().await, RotationPhase::SignWithNew);
    let refused = world
        .ca
        .abort_rotation(&cloud("shop"), &somebody())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert!(refused.message.contains("let it end"), "{refused}");
}

#[tokio::test]
async fn an_aborted_rotation_of_intermediates_leaves_good_ones() {
    let world = World::new().await;
    everybody_follows(&world).await;
    world.start(RotationKind::Intermediate).await.unwrap();
    let state = world
        .ca
        .abort_rotation(&cloud("shop"), &somebody())
        .await
        .unwrap();
    assert_eq!(state.phase, RotationPhase::Aborted);
    assert!(state.ended_at.is_some());
    let none = world
        .ca
        .abort_rotation(&cloud("shop"), &somebody())
        .await
        .unwrap_err();
    assert_eq!(none.kind, Kind::Conflict);
    let bundle = world.follow("berlin").await;
    assert_eq!(bundle.version.generation, 1);
}

#[tokio::test]
async fn an_anchor_that_will_end_is_replaced_without_being_asked() {
    let world = World::new().await;
    everybody_follows(&world).await;
    let anchor = world.authority().await.anchors.remove(0);
    let third = anchor.not_after.duration_since(anchor.not_before) / 3;
    world.clock.set(anchor.not_after - third);
    world.look().await;
    assert_eq!(world.phase().await, RotationPhase::TrustBoth);
}

#[tokio::test]
async fn a_report_of_what_was_written_alone_does_not_carry_a_rotation_on() {
    let world = World::new().await;
    everybody_follows(&world).await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    for member in MEMBERS {
        let bundle = world.ensure(member).await;
        world.report(&bundle, EvidenceStage::Written).await;
    }
    world.live(2 * HOUR).await;
    assert_eq!(world.phase().await, RotationPhase::SignWithNew);
    let waiting = world.rotation().await.waiting;
    assert!(
        waiting
            .iter()
            .all(|one| one.missing == EvidenceStage::Loaded)
    );
}
