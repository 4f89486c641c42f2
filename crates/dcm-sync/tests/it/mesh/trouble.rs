//! What stands in the way of a mesh is told in its own condition, and the other tracks go on.

use std::time::Duration;

use dcm_testkit::kubesim::{Request, User};
use dcm_types::documents::{DriftPolicy, MeshMode, MeshProblem, ObjectState};
use dcm_types::{ConditionStatus, Track};
use serde_json::{Value, json};

use super::authorities::{CANARY, FIRST};
use super::prepared::{Scene, peer, write};
use crate::world::condition;

fn admin() -> User {
    User::named("somebody", &["system:masters"])
}

/// Puts an object there that is not ours.
fn plant(scene: &Scene, path: &str, object: &Value) {
    let request = Request::new("POST", path).with_body(object);
    let answer = scene.member.request(&admin(), &request);
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// Changes an object of the member.
fn change(scene: &Scene, path: &str, how: impl Fn(&mut Value)) {
    let mut live = scene.member.object(path).unwrap();
    how(&mut live);
    let put = Request::new("PUT", path).with_body(&live);
    let answer = scene.member.request(&admin(), &put);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn namespace_of_somebody_else_is_left_alone() {
    let scene = Scene::new(MeshMode::Istio).await;
    let theirs = json!({ "metadata": { "name": scene.name(), "labels": { "a": "b" } } });
    plant(&scene, "/api/v1/namespaces", &theirs);
    scene.world.wish(&scene.revision).await;
    scene.prepare(FIRST).await;
    let told = scene.until_told("Conflict").await;
    assert_eq!(
        condition(&told, Track::Mesh).status,
        ConditionStatus::Blocked
    );
    for track in [
        Track::Member,
        Track::Namespace,
        Track::Quota,
        Track::Isolation,
    ] {
        assert_eq!(
            condition(&told, track).status,
            ConditionStatus::True,
            "{track:?}"
        );
    }
    assert_eq!(scene.objects().len(), 1, "only theirs");
    assert_eq!(scene.fake.asked(), 0, "no key is asked for");
    assert_eq!(told.last_error, None);
}

#[tokio::test(start_paused = true)]
async fn bundle_of_somebody_else_is_never_replaced() {
    let scene = Scene::running(MeshMode::Istio).await;
    let path = format!("/api/v1/namespaces/{}/secrets/cacerts", scene.name());
    change(&scene, &path, |secret| {
        secret["metadata"]["labels"] = json!({});
        secret["data"] = json!({ "ca-key.pem": "dGhlaXJz" });
    });
    let asked = scene.fake.asked();
    scene.until_told("Conflict").await;
    assert_eq!(
        scene.secret().unwrap()["data"],
        json!({ "ca-key.pem": "dGhlaXJz" })
    );
    assert_eq!(scene.fake.asked(), asked);
    // What was there before goes on.
    assert!(scene.objects().len() > 10);
}

#[tokio::test(start_paused = true)]
async fn kind_that_nobody_serves_blocks_what_is_of_it() {
    let scene = Scene::new(MeshMode::Istio).await;
    // Somebody else's definition, which does not serve the version that we write.
    let theirs = json!({ "metadata": { "name": "gateways.networking.istio.io" }, "spec": {
        "group": "networking.istio.io", "scope": "Namespaced",
        "names": { "kind": "Gateway", "plural": "gateways", "singular": "gateway", "listKind": "GatewayList" },
        "versions": [{ "name": "v1alpha3", "served": true, "storage": true }] } });
    plant(
        &scene,
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        &theirs,
    );
    scene.world.wish(&scene.revision).await;
    scene.prepare(FIRST).await;
    let told = scene.until_told("MissingKind").await;
    assert_eq!(
        condition(&told, Track::Mesh).status,
        ConditionStatus::Blocked
    );
    let blocked: Vec<_> = told
        .objects
        .iter()
        .filter(|o| o.state == ObjectState::Blocked)
        .collect();
    assert_eq!(blocked.len(), 1, "{blocked:?}");
    assert_eq!(blocked[0].object.kind, "Gateway");
    let definition =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.networking.istio.io";
    let versions = scene.member.object(definition).unwrap()["spec"]["versions"].clone();
    assert_eq!(
        versions.as_array().unwrap().len(),
        1,
        "it is not ours to change"
    );
    change(&scene, definition, |definition| {
        definition["spec"]["versions"] = json!([{ "name": "v1", "served": true, "storage": true }]);
    });
    scene.until_made().await;
}

#[tokio::test(start_paused = true)]
async fn older_definitions_of_ours_are_brought_up_and_newer_ones_told() {
    let definition =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.networking.istio.io";
    for (version, expected, skew) in [("1.30.2", "1.31.0", false), ("1.32.0", "1.32.0", true)] {
        let mut scene = Scene::running(MeshMode::Istio).await;
        change(&scene, definition, |one| {
            one["metadata"]["labels"]["dcm.internal/mesh-definitions"] = json!(version);
        });
        // Another session looks anew.
        scene.world.restart().await;
        let told = |target: &dcm_types::documents::Target| {
            let mesh = target.conditions.iter().find(|c| c.track == Track::Mesh);
            mesh.is_some_and(|mesh| mesh.message.contains("1.32.0") == skew)
        };
        let target = scene.world.until(&scene.key, "told", told).await;
        scene.world.quiet(Duration::from_millis(900)).await;
        assert_eq!(
            condition(&target, Track::Mesh).status,
            ConditionStatus::True
        );
        let labels = scene.member.object(definition).unwrap()["metadata"]["labels"].clone();
        assert_eq!(labels["dcm.internal/mesh-definitions"], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_change_is_put_back_and_what_the_control_plane_writes_stays() {
    let scene = Scene::running(MeshMode::Istio).await;
    scene.mutations().await;
    let name = scene.name();
    let webhook = format!(
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/istio-validator-{name}"
    );
    change(&scene, &webhook, |one| {
        one["webhooks"][0]["clientConfig"]["caBundle"] = json!("Yg==");
    });
    let deployment = format!("/apis/apps/v1/namespaces/{name}/deployments/istiod-{name}");
    change(&scene, &deployment, |one| {
        one["spec"]["replicas"] = json!(3);
        one["spec"]["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst");
    });
    assert_eq!(scene.mutations().await, [""; 0]);
    change(&scene, &deployment, |one| {
        one["spec"]["template"]["spec"]["containers"][0]["image"] = json!("theirs");
    });
    let role = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/istiod-clusterrole-{name}");
    change(&scene, &role, |one| {
        let more = json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] });
        one["rules"].as_array_mut().unwrap().push(more);
    });
    let mut changes = scene.mutations().await;
    changes.retain(|call| call.starts_with("apply"));
    changes.sort();
    assert_eq!(changes, ["apply ClusterRole", "apply Deployment"]);
    let live = scene.member.object(&deployment).unwrap();
    let image = live["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image, "registry.example/pilot:1.31.0");
    assert_eq!(live["spec"]["replicas"], 3, "the autoscaler's");
    assert_eq!(
        scene.member.object(&role).unwrap()["rules"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn drift_of_a_mesh_is_only_told_where_the_policy_says_so() {
    let mut scene = Scene::new(MeshMode::CaOnly).await;
    scene.revision.slice.drift = DriftPolicy::Report;
    scene.world.wish(&scene.revision).await;
    scene.prepare(FIRST).await;
    scene.world.ready(&scene.key, 1).await;
    scene.mutations().await;
    let path = format!("/api/v1/namespaces/{}/secrets/cacerts", scene.name());
    change(&scene, &path, |secret| {
        secret["data"]["ca-key.pem"] = json!("dGhlaXJz");
    });
    let told = scene.until_told("Drifted").await;
    assert_eq!(scene.mutations().await, [""; 0]);
    let stored = serde_json::to_string(&told).unwrap();
    assert!(
        !stored.contains("dGhlaXJz") && !stored.contains(CANARY),
        "{stored}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_prepared_is_told_and_what_was_stays() {
    let scene = Scene::running(MeshMode::CaOnly).await;
    let mut document = scene.document(FIRST);
    document.problem = Some(MeshProblem {
        reason: "RenderFailed".to_owned(),
        message: "the renderer ended without an answer".to_owned(),
        hint: "see the log of the server".to_owned(),
    });
    scene.write(&document).await;
    let told = scene.until_told("RenderFailed").await;
    let mesh = condition(&told, Track::Mesh);
    assert_eq!(mesh.status, ConditionStatus::Progressing);
    assert_eq!(mesh.hint.as_deref(), Some("see the log of the server"));
    assert_eq!(scene.objects().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn server_without_a_ca_controller_says_so() {
    let mut scene = Scene::new(MeshMode::CaOnly).await;
    scene.world.authorities = None;
    scene.world.restart().await;
    scene.world.wish(&scene.revision).await;
    write(&scene.world, &scene.document(FIRST)).await;
    scene.nudge().await;
    let told = scene.until_told("AuthorityMissing").await;
    assert_eq!(
        condition(&told, Track::Mesh).status,
        ConditionStatus::Blocked
    );
}

#[tokio::test(start_paused = true)]
async fn address_of_the_gateway_is_seen_and_that_of_others_gets_into_the_mesh() {
    let scene = Scene::running(MeshMode::Istio).await;
    assert_eq!(
        scene
            .world
            .target(&scene.key)
            .await
            .unwrap()
            .gateway_address,
        None
    );
    let name = scene.name();
    let path = format!("/api/v1/namespaces/{name}/services/istio-eastwestgateway");
    for (ingress, expected) in [
        (json!([{ "ip": "192.0.2.7" }]), Some("192.0.2.7")),
        (json!([{ "hostname": "lb.example" }]), Some("lb.example")),
        (json!([{ "ip": "0.0.0.0" }]), None),
    ] {
        let mut live = scene.member.object(&path).unwrap();
        live["status"] = json!({ "loadBalancer": { "ingress": ingress } });
        let put = Request::new("PUT", &format!("{path}/status")).with_body(&live);
        assert_eq!(scene.member.request(&admin(), &put).status, 200);
        let seen =
            |target: &dcm_types::documents::Target| target.gateway_address.as_deref() == expected;
        scene.world.until(&scene.key, "seen", seen).await;
    }
    scene.mutations().await;
    let mut document = scene.document(FIRST);
    for (address, known) in [(Some("192.0.2.9"), true), (Some("0.0.0.0"), false)] {
        document.peers = vec![peer(&scene.cluster, address)];
        scene.write(&document).await;
        let changes = scene.mutations().await;
        assert_eq!(
            changes.last().map(String::as_str),
            Some("apply ConfigMap"),
            "{changes:?}"
        );
        assert!(
            changes.iter().all(|call| call.ends_with("ConfigMap")),
            "{changes:?}"
        );
        let map = format!("/api/v1/namespaces/{name}/configmaps/istio-{name}");
        let networks = scene.member.object(&map).unwrap()["data"]["meshNetworks"].clone();
        assert_eq!(
            networks.as_str().unwrap().contains("192.0.2.9"),
            known,
            "{networks}"
        );
    }
}
