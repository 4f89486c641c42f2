//! A mesh comes in its order, and a second run changes nothing.

use dcm_types::documents::MeshMode;
use dcm_types::{ConditionStatus, Track};

use super::authorities::{CANARY, FIRST};
use super::manifest::DEFINITIONS;
use super::prepared::Scene;
use crate::world::{World, condition, revision, target};

/// Positions of calls; each must be there.
fn positions(calls: &[String], wanted: &[&str]) -> Vec<usize> {
    let find = |name: &&str| calls.iter().position(|call| call == name);
    wanted
        .iter()
        .map(|name| find(name).unwrap_or_else(|| panic!("{name} is not among {calls:?}")))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn authorities_alone_are_a_namespace_and_a_secret() {
    let scene = Scene::running(MeshMode::CaOnly).await;
    let expected = ["namespaces/NAME", "secrets/cacerts"];
    assert_eq!(scene.objects().into_iter().collect::<Vec<_>>(), expected);
    let secret = scene.secret().unwrap();
    let files: Vec<_> = secret["data"].as_object().unwrap().keys().collect();
    let all = [
        "ca-cert.pem",
        "ca-crl.pem",
        "ca-key.pem",
        "cert-chain.pem",
        "root-cert.pem",
    ];
    assert_eq!(files, all);
    let owner = scene.revision.cloud_uid.to_string();
    assert_eq!(
        secret["metadata"]["labels"]["dcm.internal/cloud"],
        owner.as_str()
    );
    let namespace = scene.revision.slice.namespace.to_string();
    let of_cloud = scene
        .member
        .object(&format!("/api/v1/namespaces/{namespace}"));
    let labels = of_cloud.unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels.get("istio.io/rev"), None, "{labels}");
}

#[tokio::test(start_paused = true)]
async fn control_plane_comes_after_its_bundle_and_what_it_reads_after_it() {
    let scene = Scene::running(MeshMode::Istio).await;
    let calls: Vec<String> = scene.world.ledger.mutations();
    let first: Vec<String> = calls
        .into_iter()
        .filter(|call| call.starts_with("create"))
        .collect();
    let order = [
        "create ConfigMap",
        "create CustomResourceDefinition",
        "create Secret",
        "create ServiceAccount",
        "create Deployment",
        "create MutatingWebhookConfiguration",
        "create PeerAuthentication",
    ];
    let at = positions(&first, &order);
    assert!(at.is_sorted(), "{at:?}: {first:?}");
    let objects = scene.objects();
    assert_eq!(objects.len(), 16, "{objects:?}");
    for name in DEFINITIONS {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let definition = scene.member.object(&path).unwrap();
        let labels = &definition["metadata"]["labels"];
        assert_eq!(labels["dcm.internal/mesh-definitions"], "1.31.0");
        assert_eq!(labels.get("dcm.internal/cloud"), None, "it is nobody's");
    }
    let name = scene.name();
    let path = format!("/apis/apps/v1/namespaces/{name}/deployments/istiod-{name}");
    let deployment = scene.member.object(&path).unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"][0]["value"], "member-one");
    let namespace = scene.revision.slice.namespace.to_string();
    let of_cloud = scene
        .member
        .object(&format!("/api/v1/namespaces/{namespace}"));
    let labels = of_cloud.unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels["istio.io/rev"], name.as_str());
}

#[tokio::test(start_paused = true)]
async fn second_run_changes_nothing_of_a_mesh() {
    for mode in [MeshMode::CaOnly, MeshMode::Istio] {
        let mut scene = Scene::running(mode).await;
        scene.mutations().await;
        let asked = scene.fake.asked();
        scene.world.restart().await;
        assert_eq!(scene.mutations().await, [""; 0], "{mode:?}");
        scene.nudge().await;
        assert_eq!(scene.mutations().await, [""; 0], "{mode:?}");
        assert_eq!(scene.fake.asked(), asked, "no key was asked for: {mode:?}");
        scene.world.ready(&scene.key, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cloud_without_a_mesh_is_never_asked_for_one() {
    let (world, members) = World::simulated(&["one"]);
    let one = world
        .register("one", &members[0].kubeconfig().unwrap())
        .await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let target = world.ready(&target(&revision, &one), 1).await;
    assert!(target.conditions.iter().all(|c| c.track != Track::Mesh));
    let calls: Vec<String> = world
        .ledger
        .calls()
        .iter()
        .map(dcm_cluster::Call::name)
        .collect();
    let about =
        |call: &&String| call.ends_with("Secret") || call.ends_with("CustomResourceDefinition");
    assert_eq!(calls.iter().filter(about).count(), 0, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn control_plane_that_does_not_run_is_told_and_holds_up_nobody() {
    let scene = Scene::new(MeshMode::Istio).await;
    scene.world.wish(&scene.revision).await;
    let waiting = scene.until_told("Preparing").await;
    assert_eq!(condition(&waiting, Track::Access).track, Track::Access);
    assert_eq!(scene.objects().len(), 0);
    // The others do not wait for it.
    let others = |target: &dcm_types::documents::Target| {
        let usual = target.conditions.iter().filter(|c| c.track != Track::Mesh);
        usual.clone().count() == 5 && usual.into_iter().all(|c| c.status == ConditionStatus::True)
    };
    scene
        .world
        .until(&scene.key, "ready but for its mesh", others)
        .await;
    let access = scene.world.access(&scene.key, "alice").await.unwrap();
    assert!(access.current.unwrap().usable);
    scene.prepare(FIRST).await;
    let made = scene.until_made().await;
    let mesh = condition(&made, Track::Mesh);
    assert_eq!(mesh.reason, "ControlPlaneNotRunning");
    assert!(
        mesh.message.contains("Deployment istiod-"),
        "{}",
        mesh.message
    );
    scene.run_control_plane();
    scene.world.ready(&scene.key, 1).await;
}

#[tokio::test(start_paused = true)]
async fn key_is_in_the_secret_and_nowhere_else() {
    let scene = Scene::running(MeshMode::Istio).await;
    assert!(
        scene
            .secret()
            .unwrap()
            .to_string()
            .contains("Y2FuYXJ5LW9mLWEta2V5")
    );
    let target = scene.world.target(&scene.key).await.unwrap();
    let stored = serde_json::to_string(&target).unwrap();
    assert!(
        !stored.contains(CANARY) && !stored.contains("Y2FuYXJ5"),
        "{stored}"
    );
}
