//! The bundle: renewed without anything else being touched, never taken back, and told of as it is seen.

use std::time::Duration;

use dcm_testkit::kubesim::{Request, User};
use dcm_types::Kind;
use dcm_types::ca::EvidenceStage::{Loaded, Written};
use dcm_types::documents::{DriftPolicy, MeshMode};
use serde_json::json;

use super::authorities::{FIRST, PROPAGATION, anchor, version};
use super::prepared::Scene;
use crate::world::next;

/// Waits until so many reports came.
async fn reports(scene: &Scene, count: usize) {
    let began = tokio::time::Instant::now();
    while scene.fake.told().len() < count {
        assert!(
            began.elapsed() < Duration::from_mins(30),
            "{:?}",
            scene.fake.told()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn renewed_bundle_changes_the_secret_and_nothing_else() {
    let scene = Scene::running(MeshMode::Istio).await;
    scene.mutations().await;
    scene.prepare(version(2, 1, 2)).await;
    let changes = scene.mutations().await;
    assert_eq!(changes, ["claim-fields Secret", "apply Secret"]);
    let secret = scene.secret().unwrap();
    assert_eq!(
        secret["metadata"]["annotations"]["dcm.internal/bundle"],
        "2.1.2"
    );
    scene.world.ready(&scene.key, 1).await;
    scene.prepare(version(3, 2, 2)).await;
    assert_eq!(scene.mutations().await, ["apply Secret"]);
}

#[tokio::test(start_paused = true)]
async fn bundle_is_renewed_whatever_the_policy_says_of_drift() {
    for policy in [DriftPolicy::Report, DriftPolicy::Off] {
        let mut scene = Scene::new(MeshMode::CaOnly).await;
        scene.revision.slice.drift = policy;
        scene.world.wish(&scene.revision).await;
        scene.prepare(FIRST).await;
        scene.world.ready(&scene.key, 1).await;
        scene.mutations().await;
        scene.prepare(version(2, 1, 1)).await;
        let changes = scene.mutations().await;
        assert_eq!(
            changes,
            ["claim-fields Secret", "apply Secret"],
            "{policy:?}"
        );
        scene.world.ready(&scene.key, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn newer_bundle_than_the_document_knows_is_used_and_kept() {
    let scene = Scene::new(MeshMode::CaOnly).await;
    let document = scene.document(FIRST);
    // The CA controller has gone on since.
    scene
        .fake
        .issue(&scene.key, &scene.revision, version(2, 2, 1));
    scene.world.wish(&scene.revision).await;
    scene.write(&document).await;
    scene.world.ready(&scene.key, 1).await;
    let held = scene.secret().unwrap()["metadata"]["annotations"]["dcm.internal/bundle"].clone();
    assert_eq!(held, "2.2.1");
    scene.mutations().await;
    // The document follows.
    scene.prepare(version(2, 2, 1)).await;
    assert_eq!(scene.mutations().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn file_that_somebody_changed_is_put_back() {
    let scene = Scene::running(MeshMode::CaOnly).await;
    scene.mutations().await;
    let name = scene.name();
    let path = format!("/api/v1/namespaces/{name}/secrets/cacerts");
    let mut live = scene.secret().unwrap();
    live["data"]["ca-key.pem"] = json!("dGhlaXJz");
    let admin = User::named("somebody", &["system:masters"]);
    let put = Request::new("PUT", &path).with_body(&live);
    assert_eq!(scene.member.request(&admin, &put).status, 200);
    let changes = scene.mutations().await;
    assert!(
        changes.ends_with(&["apply Secret".to_owned()]),
        "{changes:?}"
    );
    assert_ne!(scene.secret().unwrap()["data"]["ca-key.pem"], "dGhlaXJz");
}

#[tokio::test(start_paused = true)]
async fn bundle_that_cannot_be_had_is_waited_for() {
    for (kind, reason) in [
        (Kind::NotFound, "WaitsForBundle"),
        (Kind::Conflict, "BundleRevoked"),
        (Kind::Unavailable, "AuthorityUnreachable"),
    ] {
        let scene = Scene::new(MeshMode::Istio).await;
        scene.fake.refuse(Some(kind));
        scene.world.wish(&scene.revision).await;
        scene.prepare(FIRST).await;
        scene.until_told(reason).await;
        assert_eq!(
            scene.objects().len(),
            1,
            "nothing runs without it: {kind:?}"
        );
        scene.fake.refuse(None);
        scene.until_made().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_shows_a_bundle_it_is_taken_for_used_after_a_while() {
    let scene = Scene::running(MeshMode::CaOnly).await;
    reports(&scene, 1).await;
    assert_eq!(scene.fake.told(), [(Written, FIRST)]);
    tokio::time::sleep(PROPAGATION + Duration::from_mins(2)).await;
    assert_eq!(scene.fake.told(), [(Written, FIRST), (Loaded, FIRST)]);
}

#[tokio::test(start_paused = true)]
async fn control_plane_that_shows_other_anchors_does_not_use_the_bundle() {
    let scene = Scene::running(MeshMode::Istio).await;
    scene.show_anchors(&anchor(7));
    tokio::time::sleep(PROPAGATION * 2).await;
    assert_eq!(scene.fake.told(), [(Written, FIRST)]);
    scene.show_anchors(&anchor(1));
    reports(&scene, 2).await;
    assert_eq!(scene.fake.told()[1], (Loaded, FIRST));
    // Only the anchors change: what it shows is enough.
    let both = version(1, 2, 1);
    scene.prepare(both).await;
    reports(&scene, 3).await;
    scene.show_anchors(&anchor(2));
    let began = tokio::time::Instant::now();
    reports(&scene, 4).await;
    assert!(began.elapsed() < PROPAGATION / 2, "{:?}", began.elapsed());
    assert_eq!(scene.fake.told()[2..], [(Written, both), (Loaded, both)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_told_again_after_a_restart() {
    let mut scene = Scene::running(MeshMode::CaOnly).await;
    reports(&scene, 1).await;
    scene.world.restart().await;
    reports(&scene, 2).await;
    assert_eq!(scene.fake.told(), [(Written, FIRST), (Written, FIRST)]);
}

#[tokio::test(start_paused = true)]
async fn next_generation_waits_for_its_document() {
    let mut scene = Scene::running(MeshMode::CaOnly).await;
    scene.revision = next(&scene.revision);
    scene.world.wish(&scene.revision).await;
    scene.until_told("Preparing").await;
    assert_eq!(scene.objects().len(), 2, "what is there stays");
    scene.prepare(FIRST).await;
    scene.world.ready(&scene.key, 2).await;
}
