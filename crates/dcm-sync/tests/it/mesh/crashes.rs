//! A synchronizer that is killed at any of its changes to a member, on the way up and down, ends where one that lives
//! ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcm_cluster::meddling::Verdict;
use dcm_cluster::{Call, CallErrorKind};
use dcm_types::documents::MeshMode;
use tokio::sync::Notify;

use super::authorities::FIRST;
use super::prepared::Scene;
use crate::simulated::ours;
use crate::world::terminated;

/// How a life ends at a change.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It was not made.
    Before,
    /// It was made, and nobody heard of it.
    After,
}

/// Lets so many changes pass, ends the life at the next one, and wakes whoever waits for that.
fn kill_at(scene: &Scene, number: usize, end: End) -> Arc<Notify> {
    let killed = Arc::new(Notify::new());
    let count = AtomicUsize::new(0);
    let told = Arc::clone(&killed);
    let judge = move |_: usize, call: &Call| {
        if !call.mutates() {
            return match count.load(Ordering::Relaxed) {
                passed if passed > number => Verdict::FailBefore(CallErrorKind::Unreachable),
                _ => Verdict::Pass,
            };
        }
        let passed = count.fetch_add(1, Ordering::Relaxed);
        if passed < number {
            return Verdict::Pass;
        }
        told.notify_one();
        match end {
            End::After if passed == number => Verdict::FailAfter(CallErrorKind::Unreachable),
            _ => Verdict::FailBefore(CallErrorKind::Unreachable),
        }
    };
    scene.world.ledger.judge(Some(Arc::new(judge)));
    killed
}

async fn revive(scene: &mut Scene, killed: &Notify) {
    killed.notified().await;
    scene.world.ledger.judge(None);
    scene.world.restart().await;
}

/// Changes that a life without an end makes, on the way up and on the way down.
async fn changes() -> (Vec<String>, Vec<String>) {
    let scene = Scene::new(MeshMode::Istio).await;
    scene.world.ledger.clear();
    scene.world.wish(&scene.revision).await;
    scene.prepare(FIRST).await;
    scene.until_made().await;
    let up = scene.mutations().await;
    scene.world.wish(&terminated(&scene.revision)).await;
    scene.world.absent(&scene.key).await;
    (up, scene.world.ledger.mutations())
}

#[tokio::test(start_paused = true)]
async fn death_at_any_change_on_the_way_up_is_outlived() {
    let (up, _) = changes().await;
    assert!(up.len() >= 25, "{up:?}");
    for end in [End::Before, End::After] {
        for (number, name) in up.iter().enumerate() {
            let mut scene = Scene::new(MeshMode::Istio).await;
            let killed = kill_at(&scene, number, end);
            scene.world.wish(&scene.revision).await;
            scene.prepare(FIRST).await;
            revive(&mut scene, &killed).await;
            scene.until_made().await;
            let objects = scene.objects();
            assert_eq!(objects.len(), 16, "{end:?} {number} {name}: {objects:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn death_at_any_change_on_the_way_down_is_outlived() {
    let (_, down) = changes().await;
    assert!(down.len() >= 10, "{down:?}");
    for end in [End::Before, End::After] {
        for (number, name) in down.iter().enumerate() {
            let mut scene = Scene::new(MeshMode::Istio).await;
            scene.world.wish(&scene.revision).await;
            scene.prepare(FIRST).await;
            scene.until_made().await;
            scene.mutations().await;
            let killed = kill_at(&scene, number, end);
            scene.world.wish(&terminated(&scene.revision)).await;
            revive(&mut scene, &killed).await;
            scene.world.absent(&scene.key).await;
            assert_eq!(scene.objects().len(), 0, "{end:?} {number} {name}");
            assert_eq!(ours(&scene.member), [""; 0], "{end:?} {number} {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bundle_whose_acknowledgement_was_lost_is_not_written_twice() {
    let mut scene = Scene::new(MeshMode::CaOnly).await;
    scene.world.ledger.clear();
    let number = 8;
    let killed = kill_at(&scene, number, End::After);
    scene.world.wish(&scene.revision).await;
    scene.prepare(FIRST).await;
    revive(&mut scene, &killed).await;
    scene.world.ready(&scene.key, 1).await;
    let calls = scene.world.ledger.mutations();
    let secrets = calls.iter().filter(|call| *call == "create Secret");
    assert_eq!(secrets.count(), 1, "{calls:?}");
}
