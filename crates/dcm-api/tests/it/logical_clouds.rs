//! Logical clouds in both dialects.

use insta::assert_snapshot;
use serde_json::json;

use crate::server::{CLOUD, Server};

const CLOUDS: &str = "/v2/projects/p/logical-clouds";

#[tokio::test]
async fn a_logical_cloud_is_created_with_its_members() {
    let server = Server::furnished().await;
    let body = json!({
        "metadata": {"name": "m"},
        "spec": {
            "namespace": "pay", "labels": {"team": "a"}, "isolation": "strict",
            "podSecurity": "restricted", "user": {"userName": "u", "type": "certificate"},
            "clusters": [{"clusterProvider": "v", "cluster": "c1", "loadbalancerIp": "192.0.2.1"}],
        },
    });
    assert_snapshot!(server.post(CLOUDS, body).await, @"");
    assert_snapshot!(server.get(&format!("{CLOUDS}/m/cluster-references")).await, @"");
}

#[tokio::test]
async fn a_flat_body_is_answered_flat_and_read_in_the_main_dialect() {
    let server = Server::furnished().await;
    let body = json!({
        "name": "f", "description": "flat",
        "user": {"user-name": "u1", "type": "certificate", "user-permissions": [
            {"permission-name": "read", "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]},
        "quota": {"pods": 3},
    });
    assert_snapshot!(server.post(CLOUDS, body).await, @"");
    assert_snapshot!(server.get(&format!("{CLOUDS}/f")).await, @"");
    assert_snapshot!(server.get(&format!("{CLOUDS}/f/user-permissions")).await, @"");
    assert_snapshot!(server.get(&format!("{CLOUDS}/f/cluster-quotas")).await, @"");
}

#[tokio::test]
async fn what_is_read_can_be_written_back_under_strict_validation() {
    let server = Server::furnished().await;
    let read = server.get(CLOUD).await;
    let tag = read.header("etag").unwrap().to_owned();
    let path = format!("{CLOUD}?fieldValidation=Strict");
    let answer = server
        .call(
            http::Method::PUT,
            &path,
            &[("if-match", &tag)],
            read.text.clone(),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.json(), read.json());
}

#[tokio::test]
async fn a_bad_logical_cloud_is_refused_with_every_field() {
    let server = Server::furnished().await;
    let body = json!({
        "metadata": {"name": "x"},
        "spec": {
            "namespace": "kube-system", "level": "7", "isolation": "none", "podSecurity": "privileged",
            "labels": {"istio-injection": "disabled"}, "user": {"userName": "system:admin"},
            "clusters": [{"cluster": "c1", "loadBalancerIP": "nowhere"}],
        },
    });
    assert_snapshot!(server.post(CLOUDS, body).await, @"");
    assert_snapshot!(server.post(CLOUDS, json!({"metadata": {"name": "x"}, "spec": {"level": 1}})).await, @"");
}

#[tokio::test]
async fn the_project_must_exist() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "a"}});
    assert_snapshot!(server.post("/v2/projects/none/logical-clouds", body).await, @"");
    assert_eq!(
        server.get("/v2/projects/none/logical-clouds").await.status,
        404
    );
}

#[tokio::test]
async fn a_logical_cloud_that_was_never_instantiated_is_deleted_at_once() {
    let server = Server::furnished().await;
    let answer = server.delete(CLOUD).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(server.get(CLOUD).await.status, 404);
}
