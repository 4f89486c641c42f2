//! Cluster references: what one dialect writes, the other reads.

use insta::assert_snapshot;
use serde_json::json;

use crate::server::{CLOUD, Server};

#[tokio::test]
async fn the_original_design_associates_changes_lists_and_drops() {
    let server = Server::furnished().await;
    let base = format!("{CLOUD}/cluster-providers/v/cluster-references");
    let path = format!("{base}/c1");
    assert_eq!(
        server.get(&base).await.json(),
        json!({"cluster-references": []})
    );
    assert_snapshot!(server.put(&path, json!({"loadbalancer-ip": "0.0.0.0"})).await, @"");
    assert_snapshot!(server.put(&path, json!({"loadbalancer-ip": "192.0.2.9"})).await, @"");
    assert_eq!(
        server.put(&format!("{base}/c2"), json!({})).await.status,
        200
    );
    let with_slash = server.get(&format!("{base}/")).await;
    assert_snapshot!(with_slash, @"");
    assert_eq!(server.get(&base).await.text, with_slash.text);
    assert_snapshot!(server.get(&path).await, @"");
    assert_snapshot!(server.get(&format!("{CLOUD}/cluster-references")).await, @"");
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.get(&path).await.status, 404);
    assert_eq!(server.delete(&path).await.status, 404);
}

#[tokio::test]
async fn the_main_dialect_creates_what_the_original_design_sees() {
    let server = Server::furnished().await;
    let body = json!({
        "metadata": {"name": "east"},
        "spec": {"clusterProvider": "v", "cluster": "c1", "loadBalancerIP": "2001:db8::1"},
    });
    assert_snapshot!(server.post(&format!("{CLOUD}/cluster-references"), body.clone()).await, @"");
    let flat = server
        .get(&format!(
            "{CLOUD}/cluster-providers/v/cluster-references/c1"
        ))
        .await;
    assert_eq!(
        flat.json(),
        json!({"cluster-name": "c1", "loadbalancer-ip": "2001:db8::1"})
    );
    assert_snapshot!(server.post(&format!("{CLOUD}/cluster-references"), body).await, @"");
}

#[tokio::test]
async fn one_cluster_is_referenced_once() {
    let server = Server::furnished().await;
    let list = format!("{CLOUD}/cluster-references");
    let spec = json!({"clusterProvider": "v", "cluster": "c1"});
    let first = server.post(&list, json!({"spec": spec})).await;
    assert_eq!(first.json()["metadata"]["name"], "v-c1", "{first}");
    let second = server
        .post(&list, json!({"metadata": {"name": "other"}, "spec": spec}))
        .await;
    assert_eq!(second.status, 409, "{second}");
}

#[tokio::test]
async fn a_missing_cluster_cannot_be_referenced() {
    let server = Server::furnished().await;
    let spec = json!({"clusterProvider": "v", "cluster": "none"});
    let answer = server
        .post(
            &format!("{CLOUD}/cluster-references"),
            json!({"spec": spec}),
        )
        .await;
    assert_snapshot!(answer, @"");
}

#[tokio::test]
async fn a_put_changes_the_address_and_creates_what_is_missing() {
    let server = Server::furnished().await;
    let path = format!("{CLOUD}/cluster-references/east");
    let body = |address: &str| json!({"spec": {"clusterProvider": "v", "cluster": "c1", "loadBalancerIP": address}});
    assert_eq!(server.put(&path, body("192.0.2.1")).await.status, 201);
    let changed = server.put(&path, body("192.0.2.2")).await;
    assert_eq!(changed.status, 200, "{changed}");
    assert_eq!(changed.json()["spec"]["loadBalancerIP"], "192.0.2.2");
}
