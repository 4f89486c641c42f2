//! `ETag` and `If-Match` on every kind of document.

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{CLOUD, Server};

fn documents() -> Vec<(String, Value)> {
    let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
    vec![
        ("/v2/projects/p2".to_owned(), json!({})),
        ("/v2/cluster-providers/v2".to_owned(), json!({})),
        ("/v2/cluster-providers/v/clusters/c1".to_owned(), json!({})),
        (
            CLOUD.to_owned(),
            json!({"spec": {"namespace": "ns", "user": {"userName": "u"}}}),
        ),
        (
            format!("{CLOUD}/cluster-quotas/q"),
            json!({"spec": {"pods": "1"}}),
        ),
        (format!("{CLOUD}/users/ann"), json!({})),
        (format!("{CLOUD}/user-permissions/r"), json!({"spec": rule})),
        (
            format!("{CLOUD}/cluster-references/r"),
            json!({"spec": {"clusterProvider": "v", "cluster": "c1"}}),
        ),
        (
            format!("{CLOUD}/cluster-providers/v/cluster-references/c2"),
            json!({"loadbalancer-ip": "192.0.2.1"}),
        ),
    ]
}

#[tokio::test]
async fn a_stale_tag_changes_and_deletes_nothing() {
    let server = Server::furnished().await;
    for (path, body) in documents() {
        let written = server.put(&path, body.clone()).await;
        assert!(written.status.is_success(), "{path}: {written}");
        let tag = written.header("etag").unwrap().to_owned();
        let read = server.get(&path).await;
        assert_eq!(read.header("etag"), Some(tag.as_str()), "{path}");
        for stale in ["\"999999\"", "\"abc\"", &format!("W/{tag}")] {
            let headers = [("if-match", stale)];
            let put = server
                .call(Method::PUT, &path, &headers, body.to_string())
                .await;
            assert_eq!(put.status, 412, "{path} {stale}: {put}");
            let delete = server.call(Method::DELETE, &path, &headers, "").await;
            assert_eq!(delete.status, 412, "{path} {stale}: {delete}");
        }
        assert_eq!(server.get(&path).await.text, read.text, "{path}");
    }
}

#[tokio::test]
async fn the_present_tag_changes_and_then_is_stale_itself() {
    let server = Server::furnished().await;
    for (path, mut body) in documents() {
        let written = server.put(&path, body.clone()).await;
        let tag = written.header("etag").unwrap().to_owned();
        if path.contains("cluster-providers/v/cluster-references") {
            body["loadbalancer-ip"] = json!("192.0.2.2");
        } else {
            body["metadata"] = json!({"description": "changed"});
        }
        let headers = [("if-match", tag.as_str())];
        let put = server
            .call(Method::PUT, &path, &headers, body.to_string())
            .await;
        assert_eq!(put.status, 200, "{path}: {put}");
        assert_ne!(put.header("etag"), Some(tag.as_str()), "{path}");
        let again = server
            .call(Method::PUT, &path, &headers, body.to_string())
            .await;
        assert_eq!(again.status, 412, "{path}: {again}");
    }
}

#[tokio::test]
async fn a_star_demands_that_it_exists() {
    let server = Server::new();
    let headers = [("if-match", "*")];
    let answer = server
        .call(Method::PUT, "/v2/projects/p", &headers, "{}")
        .await;
    assert_snapshot!(answer, @r#"
    412 Precondition Failed
    content-type: application/problem+json
    {
      "detail": "the object does not exist",
      "hint": "read it again and repeat the change",
      "status": 412,
      "title": "Precondition failed",
      "type": "urn:dcm:problem:precondition-failed"
    }
    "#);
    server.put("/v2/projects/p", json!({})).await;
    let answer = server
        .call(Method::PUT, "/v2/projects/p", &headers, "{}")
        .await;
    assert_eq!(answer.status, 200, "{answer}");
}

#[tokio::test]
async fn a_precondition_that_is_not_understood_is_not_ignored() {
    let server = Server::new();
    for (name, value, field) in [
        ("if-match", "7", "If-Match"),
        ("if-match", "\"7", "If-Match"),
        ("if-none-match", "*", "If-None-Match"),
        (
            "if-unmodified-since",
            "Sat, 01 Jan 2022 00:00:00 GMT",
            "If-Unmodified-Since",
        ),
    ] {
        let headers = [(name, value)];
        let answer = server
            .call(Method::PUT, "/v2/projects/p", &headers, "{}")
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (400, vec![field.to_owned()]),
            "{answer}"
        );
    }
    assert_eq!(server.get("/v2/projects/p").await.status, 404);
}
