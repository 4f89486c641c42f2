//! Meshes from a request to real clusters: made, told to each other, left alone, and taken out again.

mod bundles;
mod control_planes;

use std::time::{Duration, Instant};

use dcm_testkit::ControlPlane;
use serde_json::{Value, json};

use crate::members::harness::{Folder, Server, kubectl};

/// A control plane has 30 objects beside its definitions, and several tests share these clusters.
const SETTINGS: &str = r#"
[clusters]
allow_addresses = ["127.0.0.0/8"]
[log]
level = "info,dcm_app=debug,dcm_sync=debug"
[sync]
scan_interval = "3s"
backoff_first = "50ms"
backoff_cap = "1s"
run_deadline = "20s"
call_deadline = "10s"
"#;

/// A project with a logical cloud in two clusters, of which only the first one says where its gateway is.
async fn describe(folder: &Folder, server: &Server, name: &str, mode: &str) -> String {
    let body = json!({ "metadata": { "name": name } });
    folder.post(server, "projects", body).await;
    let cloud = json!({
        "metadata": { "name": "front" },
        "spec": {
            "namespace": name,
            "user": { "userName": "alice", "type": "certificate" },
            "mesh": { "mode": mode },
            "clusters": [
                { "clusterProvider": "site", "cluster": "edge0", "loadBalancerIP": "192.0.2.10" },
                { "clusterProvider": "site", "cluster": "edge1", "loadBalancerIP": "0.0.0.0" },
            ],
        },
    });
    let clouds = format!("projects/{name}/logical-clouds");
    folder.post(server, &clouds, cloud).await;
    format!("{clouds}/front")
}

async fn mesh(folder: &Folder, server: &Server, cloud: &str) -> Value {
    let path = format!("{cloud}/service-mesh");
    let (status, text) = folder.send(server, "GET", &path, None).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The Secret with the bundle in a member.
fn cacerts(plane: &ControlPlane, mesh: &str) -> Value {
    let told = kubectl(
        plane,
        &["get", "secret", "cacerts", "-n", mesh, "-o", "json"],
    );
    serde_json::from_str(&told).unwrap()
}

/// Everything that a logical cloud has in a cluster, with the version of each object.
fn versions(plane: &ControlPlane, uid: &str) -> Vec<String> {
    let kinds = "namespaces,secrets,configmaps,serviceaccounts,services,deployments,\
        horizontalpodautoscalers,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings,\
        mutatingwebhookconfigurations,validatingwebhookconfigurations,networkpolicies,limitranges";
    let columns = "-o=custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,\
        VERSION:.metadata.resourceVersion";
    let selector = format!("dcm.internal/cloud={uid}");
    let told = kubectl(
        plane,
        &["get", kinds, "-A", "-l", &selector, "--no-headers", columns],
    );
    told.lines()
        .filter(|line| !line.starts_with("No resources"))
        .map(str::to_owned)
        .collect()
}

/// The owner of everything of a logical cloud, as a member says it.
fn owner(plane: &ControlPlane, namespace: &str) -> String {
    let path = "jsonpath={.metadata.labels.dcm\\.internal/cloud}";
    kubectl(plane, &["get", "namespace", namespace, "-o", path])
}

/// Waits until a restarted server has looked at every member, whatever it found.
async fn looked(folder: &Folder, server: &Server, cloud: &str) {
    let since = Instant::now();
    folder
        .until(server, cloud, "looked at again", |view| {
            let members = view["members"].as_array().unwrap();
            let fresh = |member: &Value| {
                let age = member["ageSeconds"].as_u64();
                age.is_some_and(|age| Duration::from_secs(age) < since.elapsed())
            };
            members.iter().all(fresh)
        })
        .await;
}
