//! How a mesh goes: in the reverse order, with everything that is its own, and nothing else.

use std::time::Duration;

use dcm_store::{Batch, Expect};
use dcm_testkit::kubesim::{Fault, Rule, When};
use dcm_types::documents::{LastError, MeshMode, Target, Tombstone};
use dcm_types::{Key, Track, Uid};

use super::authorities::FIRST;
use super::manifest::DEFINITIONS;
use super::prepared::Scene;
use crate::simulated::ours;
use crate::world::{PATIENCE, terminated};

fn has_definitions(scene: &Scene) -> bool {
    DEFINITIONS.iter().all(|name| {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        scene.member.object(&path).is_some()
    })
}

#[tokio::test(start_paused = true)]
async fn end_of_a_cloud_leaves_the_definitions_and_nothing_else() {
    let scene = Scene::running(MeshMode::Istio).await;
    scene.mutations().await;
    scene.world.wish(&terminated(&scene.revision)).await;
    scene.world.absent(&scene.key).await;
    assert_eq!(scene.objects().len(), 0);
    assert_eq!(ours(&scene.member), [""; 0]);
    assert!(has_definitions(&scene));
    let deletes = scene.world.ledger.mutations();
    let at = |name: &str| {
        let found = deletes.iter().position(|call| call == name);
        found.unwrap_or_else(|| panic!("{name} is not among {deletes:?}"))
    };
    let order = [
        "apply ConfigMap",
        "delete RoleBinding",
        "delete PeerAuthentication",
        "delete MutatingWebhookConfiguration",
        "delete Deployment",
        "delete ClusterRole",
    ];
    assert!(order.map(at).is_sorted(), "{deletes:?}");
    assert!(!deletes.contains(&"delete CustomResourceDefinition".to_owned()));
    // Its namespace takes the bundle along, and the anchor is last.
    assert!(!deletes.contains(&"delete Secret".to_owned()));
    assert_eq!(deletes.last().unwrap(), "delete ConfigMap");
    let target = scene.world.target(&scene.key).await.unwrap();
    assert!(target.conditions.iter().all(|c| c.track != Track::Mesh));
    assert_eq!(target.gateway_address, None);
}

#[tokio::test(start_paused = true)]
async fn mesh_that_is_switched_down_goes_step_by_step() {
    let mut scene = Scene::running(MeshMode::Istio).await;
    scene.changed(MeshMode::CaOnly);
    scene.world.wish(&scene.revision).await;
    scene.prepare(FIRST).await;
    scene.world.ready(&scene.key, 2).await;
    let left = ["namespaces/NAME", "secrets/cacerts"];
    assert_eq!(scene.objects().into_iter().collect::<Vec<_>>(), left);
    scene.changed(MeshMode::Off);
    scene.world.wish(&scene.revision).await;
    scene.world.ready(&scene.key, 3).await;
    assert_eq!(scene.objects().len(), 0);
    assert!(has_definitions(&scene));
    // Looked for until no earlier run can write it again; then nobody asks any more.
    let forgotten = |target: &Target| {
        let of_mesh = |o: &dcm_types::documents::ObjectIdentity| o.kind == "Secret";
        !target.inventory.iter().any(of_mesh)
    };
    let target = scene.world.until(&scene.key, "forgotten", forgotten).await;
    assert!(target.conditions.iter().all(|c| c.track != Track::Mesh));
    scene.mutations().await;
    scene.nudge().await;
    assert_eq!(scene.mutations().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn mesh_comes_and_goes_again() {
    let mut scene = Scene::running(MeshMode::Off).await;
    for mode in [MeshMode::CaOnly, MeshMode::Off, MeshMode::Istio] {
        scene.changed(mode);
        scene.world.wish(&scene.revision).await;
        if mode != MeshMode::Off {
            scene.prepare(FIRST).await;
        }
        scene.until_made().await;
        assert_eq!(
            scene.objects().is_empty(),
            mode == MeshMode::Off,
            "{mode:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn member_that_is_away_is_cleaned_when_it_returns() {
    let scene = Scene::running(MeshMode::Istio).await;
    let rules = scene.member.faults();
    rules.add(Rule::new(Fault::ConnectRefused, When::Always));
    let gone = terminated(&scene.revision);
    scene.world.wish(&gone).await;
    let away = |target: &Target| {
        let last = target.last_error.as_ref();
        target.wanted_generation == 2 && last.is_some_and(LastError::says_no_contact)
    };
    let target = scene.world.until(&scene.key, "out of reach", away).await;
    // The cloud is deleted meanwhile: what the tombstone's inventory says is all that is known of the mesh.
    let tombstone = Tombstone {
        id: Uid::from_random([9; 16]),
        project_uid: Uid::from_random([8; 16]),
        revision: gone.clone(),
        target,
        created_at: dcm_types::Timestamp::UNIX_EPOCH,
    };
    let mut batch = Batch::new();
    batch.put(&tombstone, Expect::Absent).unwrap();
    batch.delete(Key::target(&scene.key), Expect::Exists);
    let lifecycle = Key::of_cloud(dcm_types::DocumentKind::Lifecycle, &gone.cloud);
    batch.delete(lifecycle, Expect::Exists);
    batch.delete(Key::service_mesh(&scene.key), Expect::Exists);
    scene.world.store.commit(batch).await.unwrap();
    assert!(!scene.objects().is_empty());
    rules.clear();
    let began = tokio::time::Instant::now();
    let key = Key::tombstone(tombstone.id);
    while scene.world.store.get(&key).await.unwrap().is_some() {
        assert!(began.elapsed() < PATIENCE * 60, "still there");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(scene.objects().len(), 0);
    assert_eq!(ours(&scene.member), [""; 0]);
}
