//! A rotation that is killed at every commit goes on in the next process, and ends where an undisturbed one ends.

use std::sync::Arc;
use std::time::Duration;

use dcm_ca::Policy;
use dcm_store::{MemoryStore, Vault};
use dcm_types::ca::{CaController as _, EvidenceStage, RotationKind, RotationPhase, StartRotation};
use dcm_types::ports::Clock as _;

use crate::faults::{Fault, FaultyStore};
use crate::mesh::{Mesh, Workload, ders};
use crate::world::{HandClock, World, cloud, evidence, somebody, target};

const MEMBERS: [&str; 2] = ["berlin", "paris"];

/// Short lives, so that aging is a few commits.
fn policy() -> Policy {
    Policy {
        longest_leaf: Duration::from_mins(10),
        propagation: Duration::from_mins(2),
        ..Policy::default()
    }
}

/// Runs a rotation to its end with one fault; each round is another process. Returns how many commits it took.
async fn rotate(kind: RotationKind, fault: Option<(usize, Fault)>) -> usize {
    let clock = Arc::new(HandClock::new());
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(clock.clone()))));
    let vault = Arc::new(Vault::ephemeral());
    let world = World::on(store.clone(), vault, clock, policy());
    world.create("shop").await;
    let start = StartRotation {
        cloud: cloud("shop"),
        kind,
        dry_run: false,
    };
    let mut started = false;
    let mut mesh = Mesh::default();
    if let Some((after, fault)) = fault {
        store.fail(after, fault);
    }
    for _ in 0..400 {
        let process = world.another(policy());
        process.ca.look_at_all().await.ok();
        for member in MEMBERS {
            let Ok(bundle) = process.ca.ensure_bundle(&target(member)).await else {
                continue;
            };
            let stages = [EvidenceStage::Written, EvidenceStage::Loaded];
            for stage in stages {
                process
                    .ca
                    .report_evidence(&evidence(&bundle, stage))
                    .await
                    .ok();
            }
            mesh.add(Workload::sign(&bundle, world.clock.now(), policy().longest_leaf).unwrap());
        }
        mesh.check(world.clock.now()).unwrap();
        if !started && world.edges().await.len() == MEMBERS.len() {
            // One that began although nobody heard of it is running, and refuses a second one.
            let begun = process.ca.start_rotation(&start, &somebody()).await;
            started = begun.is_ok() || process.ca.get_rotation(&cloud("shop")).await.is_ok();
        }
        if started && process.phase().await == RotationPhase::Done {
            break;
        }
        world.clock.forward(Duration::from_secs(100));
    }
    assert_eq!(world.phase().await, RotationPhase::Done, "{fault:?}");
    assert_eq!(world.rotation().await.number, 1, "{fault:?}");
    assert_eq!(world.authority().await.anchors.len(), 1, "{fault:?}");
    let anchors: Vec<_> = [world.ensure("berlin").await, world.ensure("paris").await]
        .iter()
        .map(|bundle| ders(&bundle.anchors_pem))
        .collect();
    assert!(anchors[0] == anchors[1] && anchors[0].len() == 1);
    world.verified_events().await;
    store.commits()
}

#[tokio::test]
async fn a_rotation_of_intermediates_goes_on_after_a_crash_at_every_commit() {
    let commits = rotate(RotationKind::Intermediate, None).await;
    for after in 0..commits {
        for fault in [Fault::Before, Fault::After] {
            rotate(RotationKind::Intermediate, Some((after, fault))).await;
        }
    }
}

#[tokio::test]
async fn a_rotation_of_the_anchor_goes_on_after_a_crash_at_every_commit() {
    let commits = rotate(RotationKind::Anchor, None).await;
    assert!(commits > 30, "{commits}");
    for after in 0..commits {
        for fault in [Fault::Before, Fault::After] {
            rotate(RotationKind::Anchor, Some((after, fault))).await;
        }
    }
}
