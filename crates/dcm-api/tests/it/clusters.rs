//! Registered clusters: a credential goes in, health comes out.

use dcm_store::{Batch, Expect};
use dcm_types::documents::{ClusterHealth, Finding, HealthState, SignerState};
use dcm_types::{ClusterKey, ClusterName, ProviderName, Timestamp};
use insta::assert_snapshot;
use serde_json::json;

use crate::server::{CANARY, Server, new_cluster};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn health() -> ClusterHealth {
    ClusterHealth {
        key: ClusterKey {
            provider: ProviderName::parse("v").unwrap(),
            cluster: ClusterName::parse("c1").unwrap(),
        },
        credential_epoch: 1,
        checked_at: at(9),
        state: HealthState::Degraded,
        since: at(8),
        version: Some("v1.36.2".to_owned()),
        identity: Some("5f0c".to_owned()),
        user_name: Some("admin".to_owned()),
        groups: vec!["system:authenticated".to_owned()],
        missing_rights: vec!["create namespaces".to_owned()],
        missing_privileged_rights: Vec::new(),
        signer: SignerState::Silent,
        findings: vec![Finding {
            reason: "MissingRights".to_owned(),
            message: "we may not create namespaces there".to_owned(),
            hint: "bind cluster-admin to the user of the kubeconfig".to_owned(),
        }],
    }
}

#[tokio::test]
async fn a_registered_cluster_shows_its_server_and_not_its_credential() {
    let server = Server::new();
    server
        .post("/v2/cluster-providers", json!({"metadata": {"name": "v"}}))
        .await;
    assert_snapshot!(server.post("/v2/cluster-providers/v/clusters", new_cluster("c1")).await, @r#"
    201 Created
    location: /v2/cluster-providers/v/clusters/c1
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "c1",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "gitOps": {
          "gitOpsReferenceObject": "",
          "gitOpsResourceObject": "",
          "gitOpsType": ""
        },
        "server": "https://1.2.3.4:6443"
      },
      "status": {
        "findings": [],
        "groups": [],
        "missingRights": [],
        "reachable": false,
        "signer": "unknown",
        "state": "unchecked"
      }
    }
    "#);
    assert_snapshot!(server.get("/v2/cluster-providers/v/clusters").await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "metadata": {
          "description": "",
          "name": "c1",
          "userData1": "",
          "userData2": ""
        },
        "spec": {
          "gitOps": {
            "gitOpsReferenceObject": "",
            "gitOpsResourceObject": "",
            "gitOpsType": ""
          },
          "server": "https://1.2.3.4:6443"
        },
        "status": {
          "findings": [],
          "groups": [],
          "missingRights": [],
          "reachable": false,
          "signer": "unknown",
          "state": "unchecked"
        }
      }
    ]
    "#);
}

#[tokio::test]
async fn the_health_of_a_cluster_is_shown_with_hints() {
    let server = Server::furnished().await;
    let mut batch = Batch::new();
    batch.put(&health(), Expect::Absent).unwrap();
    server.store.commit(batch).await.unwrap();
    assert_snapshot!(server.get("/v2/cluster-providers/v/clusters/c1").await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "c1",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "gitOps": {
          "gitOpsReferenceObject": "",
          "gitOpsResourceObject": "",
          "gitOpsType": ""
        },
        "server": "https://1.2.3.4:6443"
      },
      "status": {
        "checkedAt": "[time]",
        "findings": [
          {
            "hint": "bind cluster-admin to the user of the kubeconfig",
            "message": "we may not create namespaces there",
            "reason": "MissingRights"
          }
        ],
        "groups": [
          "system:authenticated"
        ],
        "identity": "5f0c",
        "missingRights": [
          "create namespaces"
        ],
        "reachable": true,
        "signer": "silent",
        "since": "[time]",
        "state": "degraded",
        "userName": "admin",
        "version": "v1.36.2"
      }
    }
    "#);
}

#[tokio::test]
async fn a_put_keeps_or_replaces_the_credential() {
    let server = Server::furnished().await;
    let path = "/v2/cluster-providers/v/clusters/c1";
    let kept = server
        .put(path, json!({"metadata": {"description": "kept"}}))
        .await;
    assert_eq!(kept.status, 200, "{kept}");
    let replaced = server.put(path, new_cluster("c1")).await;
    assert_eq!(replaced.status, 200, "{replaced}");
    let missing = server
        .put("/v2/cluster-providers/v/clusters/new", json!({}))
        .await;
    assert_eq!(missing.fields(), ["spec.kubeconfig"], "{missing}");
}

#[tokio::test]
async fn a_hostile_kubeconfig_is_refused_with_the_field_and_without_its_secrets() {
    let server = Server::new();
    server
        .post("/v2/cluster-providers", json!({"metadata": {"name": "v"}}))
        .await;
    let kubeconfig = crate::server::KUBECONFIG.replace(
        "    token: DCMCANARY-token",
        "    token: DCMCANARY-token\n    exec: {command: /bin/sh, args: [-c, DCMCANARY]}",
    );
    let body = json!({"metadata": {"name": "c"}, "spec": {"kubeconfig": kubeconfig}});
    let answer = server.post("/v2/cluster-providers/v/clusters", body).await;
    assert_eq!(answer.status, 400, "{answer}");
    assert!(
        answer.fields().iter().any(|field| field.contains("exec")),
        "{answer}"
    );
    assert!(!answer.text.contains(CANARY), "{answer}");
    let local = crate::server::KUBECONFIG.replace("1.2.3.4", "127.0.0.1");
    let body = json!({"metadata": {"name": "c"}, "spec": {"kubeconfig": local}});
    let answer = server.post("/v2/cluster-providers/v/clusters", body).await;
    assert_eq!(answer.status, 400, "{answer}");
}

#[tokio::test]
async fn a_cluster_of_a_missing_provider_is_not_found() {
    let server = Server::new();
    let answer = server
        .post("/v2/cluster-providers/x/clusters", new_cluster("c"))
        .await;
    assert_snapshot!(answer, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "cluster provider 'x' does not exist",
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
}
