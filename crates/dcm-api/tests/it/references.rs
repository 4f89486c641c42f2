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
    assert_snapshot!(server.put(&path, json!({"loadbalancer-ip": "0.0.0.0"})).await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "cluster-name": "c1",
      "loadbalancer-ip": "0.0.0.0"
    }
    "#);
    assert_snapshot!(server.put(&path, json!({"loadbalancer-ip": "192.0.2.9"})).await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "cluster-name": "c1",
      "loadbalancer-ip": "192.0.2.9"
    }
    "#);
    assert_eq!(
        server.put(&format!("{base}/c2"), json!({})).await.status,
        200
    );
    let with_slash = server.get(&format!("{base}/")).await;
    assert_snapshot!(with_slash, @r#"
    200 OK
    content-type: application/json
    {
      "cluster-references": [
        {
          "cluster-name": "c1",
          "loadbalancer-ip": "192.0.2.9"
        },
        {
          "cluster-name": "c2",
          "loadbalancer-ip": ""
        }
      ]
    }
    "#);
    assert_eq!(server.get(&base).await.text, with_slash.text);
    assert_snapshot!(server.get(&path).await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "cluster-name": "c1",
      "loadbalancer-ip": "192.0.2.9"
    }
    "#);
    assert_snapshot!(server.get(&format!("{CLOUD}/cluster-references")).await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "metadata": {
          "description": "",
          "name": "v-c1",
          "userData1": "",
          "userData2": ""
        },
        "spec": {
          "certificate": "",
          "cluster": "c1",
          "clusterProvider": "v",
          "loadBalancerIP": "192.0.2.9"
        }
      },
      {
        "metadata": {
          "description": "",
          "name": "v-c2",
          "userData1": "",
          "userData2": ""
        },
        "spec": {
          "certificate": "",
          "cluster": "c2",
          "clusterProvider": "v",
          "loadBalancerIP": ""
        }
      }
    ]
    "#);
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
    assert_snapshot!(server.post(&format!("{CLOUD}/cluster-references"), body.clone()).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/l/cluster-references/east
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "east",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "certificate": "",
        "cluster": "c1",
        "clusterProvider": "v",
        "loadBalancerIP": "2001:db8::1"
      }
    }
    "#);
    let flat = server
        .get(&format!(
            "{CLOUD}/cluster-providers/v/cluster-references/c1"
        ))
        .await;
    assert_eq!(
        flat.json(),
        json!({"cluster-name": "c1", "loadbalancer-ip": "2001:db8::1"})
    );
    assert_snapshot!(server.post(&format!("{CLOUD}/cluster-references"), body).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "cluster reference 'east' of logical cloud 'l' exists already",
      "status": 409,
      "title": "Already exists",
      "type": "urn:dcm:problem:already-exists"
    }
    "#);
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
    assert_snapshot!(answer, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "cluster 'none' of cluster provider 'v' does not exist",
      "errors": [
        {
          "field": "spec.cluster",
          "got": "v/none",
          "rule": "names a cluster that is not registered: cluster 'none' of cluster provider 'v'"
        }
      ],
      "hint": "register the cluster first",
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
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
