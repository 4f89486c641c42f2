//! Privileged logical clouds over REST: policy of the project, permissions outside, and what is told.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{CLOUD, Server};

const PROJECT: &str = "/v2/projects/p";

fn policy(privileged: &str) -> Value {
    json!({ "metadata": { "name": "p" }, "spec": { "policy": { "privileged": privileged } } })
}

fn permission(name: &str, namespace: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "metadata": { "name": name }, "spec": {
        "namespace": namespace, "apiGroups": [""], "resources": resources, "verbs": verbs,
    } })
}

#[tokio::test]
async fn policy_of_a_project_is_written_read_and_taken_back() {
    let server = Server::furnished().await;
    let plain = server.get(PROJECT).await.json();
    assert_eq!(plain.get("spec"), None, "as older servers show a project");
    assert_eq!(server.put(PROJECT, policy("allow")).await.status, 200);
    let project = server.get(PROJECT).await.json();
    assert_eq!(
        project["spec"],
        json!({ "policy": { "privileged": "allow" } })
    );
    let wrong = server.put(PROJECT, policy("maybe")).await;
    assert_eq!(wrong.fields(), ["spec.policy.privileged"], "{wrong}");
    for back in [policy("refuse"), json!({ "metadata": { "name": "p" } })] {
        server.put(PROJECT, policy("allow")).await;
        server.put(PROJECT, back).await;
        assert_eq!(server.get(PROJECT).await.json().get("spec"), None);
    }
}

#[tokio::test]
async fn permission_outside_is_refused_by_default_and_says_by_what() {
    let server = Server::furnished().await;
    let list = format!("{CLOUD}/user-permissions");
    let body = permission("x", "", &["pods"], &["get"]);
    assert_snapshot!(server.post(&list, body).await, @r#"
    403 Forbidden
    content-type: application/problem+json
    {
      "detail": "permissions outside of the logical cloud's own namespace are not granted",
      "errors": [
        {
          "field": "spec.namespace",
          "got": "",
          "hint": "leave it out",
          "rule": "must be 'ns', the namespace of the logical cloud"
        }
      ],
      "hint": "let the operator set spec.policy.privileged of project 'p' to allow",
      "status": 403,
      "title": "Forbidden",
      "type": "urn:dcm:problem:forbidden"
    }
    "#);
    let flat = json!({ "name": "flat", "namespace": "flat", "user": { "user-name": "u", "user-permissions": [
        { "permission-name": "x", "namespace": "other", "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] },
    ] } });
    let clouds = format!("{PROJECT}/logical-clouds");
    let refused = server.post(&clouds, flat.clone()).await;
    assert_eq!(refused.status, 403, "{refused}");
    assert_eq!(refused.fields(), ["permissions[0].namespace"]);
    server.put(PROJECT, policy("allow")).await;
    let made = server.post(&clouds, flat).await;
    assert_eq!(made.status, 201, "{made}");
    let shown = &made.json()["user"]["user-permissions"][0];
    assert_eq!(shown["namespace"], "other");
}

#[tokio::test]
async fn what_an_operator_allowed_is_stored_shown_and_asked_for_again() {
    let server = Server::furnished().await;
    server.put(PROJECT, policy("allow")).await;
    let list = format!("{CLOUD}/user-permissions");
    assert_eq!(server.get(CLOUD).await.json().get("privileged"), None);
    // As in the example files that EMCO's users have: everything, everywhere.
    let all = permission("all", "", &["*"], &["*"]);
    let made = server.post(&list, all).await;
    assert_eq!(made.status, 201, "{made}");
    let warning = made.header("warning").unwrap();
    assert!(warning.contains("read cluster-wide"), "{warning}");
    let effective = &made.json()["status"]["effective"];
    let text = effective.to_string();
    assert!(
        text.contains("\"nodes\"") && !text.contains("secrets") && !text.contains("create"),
        "{text}"
    );
    assert_eq!(made.json()["spec"]["namespace"], "");
    let beside = permission("beside", "other", &["configmaps"], &["create"]);
    let path = format!("{list}/beside");
    assert_eq!(server.put(&path, beside).await.status, 201);
    assert_eq!(server.get(&path).await.json()["spec"]["namespace"], "other");

    let cloud = server.get(CLOUD).await.json();
    assert_eq!(cloud["privileged"], true);
    let back = server
        .put(&format!("{CLOUD}?fieldValidation=Strict"), cloud)
        .await;
    assert_eq!(back.status, 200, "{back}");
    let clouds = server
        .get(&format!("{PROJECT}/logical-clouds"))
        .await
        .json();
    assert_eq!(clouds[0]["privileged"], true);

    let member = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    server.put(&member, json!({})).await;
    assert_eq!(
        server
            .post(&format!("{CLOUD}/instantiate"), json!({}))
            .await
            .status,
        202
    );
    let status = server.get(&format!("{CLOUD}/status")).await.json();
    assert_eq!(status["privileged"], true);

    server.put(PROJECT, policy("refuse")).await;
    assert_snapshot!(server.post(&format!("{CLOUD}/update"), json!({})).await, @r#"
    403 Forbidden
    content-type: application/problem+json
    {
      "detail": "logical cloud 'l' is privileged, which the policy of project 'p' refuses",
      "hint": "let the operator set spec.policy.privileged of project 'p' to allow, or delete its permissions outside of its namespace; it can always be terminated",
      "status": 403,
      "title": "Forbidden",
      "type": "urn:dcm:problem:forbidden"
    }
    "#);
    assert_eq!(
        server
            .post(&format!("{CLOUD}/stop"), json!({}))
            .await
            .status,
        202
    );
    assert_eq!(
        server
            .post(&format!("{CLOUD}/terminate"), json!({}))
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn envelope_holds_for_the_operators_friends_too() {
    let server = Server::furnished().await;
    server.put(PROJECT, policy("allow")).await;
    let list = format!("{CLOUD}/user-permissions");
    for (namespace, resources, verbs, field) in [
        ("", &["secrets"][..], &["get"][..], "spec.resources[0]"),
        ("", &["pods"], &["get", "create"], "spec.verbs[1]"),
        ("", &["namespaces"], &["delete"], "spec.verbs[0]"),
        ("", &["nodes/proxy"], &["get"], "spec.resources[0]"),
        ("", &["*", "clusterroles"], &["get"], "spec.resources[1]"),
        ("", &["pods"], &["*", "impersonate"], "spec.verbs[1]"),
        ("other", &["rolebindings"], &["create"], "spec.resources[0]"),
        (
            "other",
            &["resourcequotas"],
            &["delete"],
            "spec.resources[0]",
        ),
        ("kube-system", &["pods"], &["get"], "spec.namespace"),
        ("default", &["pods"], &["get"], "spec.namespace"),
        ("dcm-system", &["configmaps"], &["get"], "spec.namespace"),
        ("Bad Name", &["pods"], &["get"], "spec.namespace"),
    ] {
        let answer = server
            .post(&list, permission("x", namespace, resources, verbs))
            .await;
        assert_eq!(
            answer.status, 400,
            "{namespace} {resources:?} {verbs:?}: {answer}"
        );
        assert_eq!(
            answer.fields(),
            [field],
            "{namespace} {resources:?} {verbs:?}"
        );
    }
    assert_eq!(server.get(&list).await.json(), json!([]));
}
