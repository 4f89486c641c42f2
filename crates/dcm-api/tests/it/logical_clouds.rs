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
    assert_snapshot!(server.post(CLOUDS, body).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/m
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "m",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "isolation": "strict",
        "labels": {
          "team": "a"
        },
        "level": "1",
        "namespace": "pay",
        "podSecurity": "restricted",
        "user": {
          "type": "certificate",
          "userName": "u"
        }
      }
    }
    "#);
    assert_snapshot!(server.get(&format!("{CLOUDS}/m/cluster-references")).await, @r#"
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
          "loadBalancerIP": "192.0.2.1"
        }
      }
    ]
    "#);
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
    assert_snapshot!(server.post(CLOUDS, body).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/f
    etag: "[version]"
    content-type: application/json
    {
      "description": "flat",
      "name": "f",
      "namespace": "f",
      "user": {
        "type": "certificate",
        "user-name": "u1",
        "user-permissions": [
          {
            "apiGroups": [
              ""
            ],
            "permission-name": "read",
            "resources": [
              "pods"
            ],
            "verbs": [
              "get",
              "list"
            ]
          }
        ]
      }
    }
    "#);
    assert_snapshot!(server.get(&format!("{CLOUDS}/f")).await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "flat",
        "name": "f",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "isolation": "baseline",
        "labels": null,
        "level": "1",
        "namespace": "f",
        "podSecurity": "baseline",
        "user": {
          "type": "certificate",
          "userName": "u1"
        }
      }
    }
    "#);
    assert_snapshot!(server.get(&format!("{CLOUDS}/f/user-permissions")).await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "metadata": {
          "description": "",
          "name": "read",
          "userData1": "",
          "userData2": ""
        },
        "spec": {
          "apiGroups": [
            ""
          ],
          "resources": [
            "pods"
          ],
          "verbs": [
            "get",
            "list"
          ]
        }
      }
    ]
    "#);
    assert_snapshot!(server.get(&format!("{CLOUDS}/f/cluster-quotas")).await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "metadata": {
          "description": "",
          "name": "quota",
          "userData1": "",
          "userData2": ""
        },
        "spec": {
          "pods": "3"
        }
      }
    ]
    "#);
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
    assert_snapshot!(server.post(CLOUDS, body).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "spec.level must be \"0\" or \"1\"; and 7 more",
      "errors": [
        {
          "field": "spec.level",
          "got": "7",
          "rule": "must be \"0\" or \"1\""
        },
        {
          "field": "spec.namespace",
          "got": "kube-system",
          "hint": "choose a namespace that does not begin with 'kube-' and is not a platform's own",
          "rule": "is reserved for the cluster itself"
        },
        {
          "field": "spec.labels.istio-injection",
          "got": "istio-injection",
          "hint": "use a domain of your own, for example 'example.com/team'",
          "rule": "has a key that is reserved for the cluster itself"
        },
        {
          "field": "spec.isolation",
          "got": "none",
          "rule": "must be open, baseline or strict"
        },
        {
          "field": "spec.podSecurity",
          "got": "privileged",
          "rule": "must be baseline or restricted"
        },
        {
          "field": "spec.user.userName",
          "got": "system:admin",
          "rule": "must consist of letters, digits, '-', '_' and '.', begin and end with a letter or digit, and not contain '..'"
        },
        {
          "field": "spec.clusters[0].clusterProvider",
          "got": "",
          "rule": "is required"
        },
        {
          "field": "spec.clusters[0].loadBalancerIP",
          "got": "nowhere",
          "rule": "must be an IPv4 or IPv6 address"
        }
      ],
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
    assert_snapshot!(server.post(CLOUDS, json!({"metadata": {"name": "x"}, "spec": {"level": 1}})).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "spec.level must be a string",
      "errors": [
        {
          "field": "spec.level",
          "got": "",
          "rule": "must be a string"
        }
      ],
      "status": 422,
      "title": "Undecodable body",
      "type": "urn:dcm:problem:undecodable"
    }
    "#);
}

#[tokio::test]
async fn the_project_must_exist() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "a"}});
    assert_snapshot!(server.post("/v2/projects/none/logical-clouds", body).await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "project 'none' does not exist",
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
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
