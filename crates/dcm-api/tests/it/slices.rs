//! Quotas and permissions of a logical cloud.

use insta::assert_snapshot;
use serde_json::json;

use crate::server::{CLOUD, Server};

#[tokio::test]
async fn a_quota_is_normalised() {
    let server = Server::furnished().await;
    let list = format!("{CLOUD}/cluster-quotas");
    let body = json!({"metadata": {"name": "q"}, "spec": {"pods": 10, "limits.memory": "2048Mi", "limits.cpu": "0.5"}});
    assert_snapshot!(server.post(&list, body).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/l/cluster-quotas/q
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "q",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "limits.cpu": "500m",
        "limits.memory": "2Gi",
        "pods": "10"
      }
    }
    "#);
    let path = format!("{list}/q");
    let changed = server.put(&path, json!({"spec": {"pods": "11"}})).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json()["spec"]),
        (200, &json!({"pods": "11"}))
    );
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_bad_quota_names_each_key() {
    let server = Server::furnished().await;
    let body = json!({"metadata": {"name": "q"}, "spec": {"podz": "1", "limits.memory": "1GiB", "pods": "1"}});
    assert_snapshot!(server.post(&format!("{CLOUD}/cluster-quotas"), body).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "spec.limits.memory must be a Kubernetes quantity (for example '2', '500m', '1.5', '10Gi' or '1e3'); and 1 more",
      "errors": [
        {
          "field": "spec.limits.memory",
          "got": "1GiB",
          "hint": "for example '2', '500m', '1.5', '10Gi' or '1e3'",
          "rule": "must be a Kubernetes quantity"
        },
        {
          "field": "spec.podz",
          "got": "podz",
          "hint": "did you mean 'pods'?",
          "rule": "is not a limit that Kubernetes enforces"
        }
      ],
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
}

#[tokio::test]
async fn a_permission_stays_inside_the_envelope() {
    let server = Server::furnished().await;
    let list = format!("{CLOUD}/user-permissions");
    let rule = |resource: &str, verb: &str| json!({"apiGroups": [""], "resources": [resource], "verbs": [verb]});
    let good = json!({"metadata": {"name": "p1"}, "spec": rule("configmaps", "create")});
    assert_snapshot!(server.post(&list, good).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/l/user-permissions/p1
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "p1",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "apiGroups": [
          ""
        ],
        "resources": [
          "configmaps"
        ],
        "verbs": [
          "create"
        ]
      }
    }
    "#);
    let wide = json!({"metadata": {"name": "p2"}, "spec": rule("nodes/proxy", "escalate")});
    assert_snapshot!(server.post(&list, wide).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "spec.resources[0] cannot be granted to a tenant (it belongs to the cluster and its operator, not to a namespace); and 1 more",
      "errors": [
        {
          "field": "spec.resources[0]",
          "got": "nodes/proxy",
          "hint": "it belongs to the cluster and its operator, not to a namespace",
          "rule": "cannot be granted to a tenant"
        },
        {
          "field": "spec.verbs[0]",
          "got": "escalate",
          "hint": "grantable are get, list, watch, create, update, patch, delete, deletecollection",
          "rule": "cannot be granted to a tenant"
        }
      ],
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
    let mut foreign = rule("pods", "get");
    foreign["namespace"] = json!("kube-system");
    let answer = server
        .post(&list, json!({"metadata": {"name": "p3"}, "spec": foreign}))
        .await;
    assert_eq!(answer.fields(), ["spec.namespace"], "{answer}");
    assert_eq!(server.get(&list).await.json().as_array().unwrap().len(), 1);
}

/// The permission of the example files that EMCO's users have.
#[tokio::test]
async fn a_star_is_expanded_and_told() {
    let server = Server::furnished().await;
    let list = format!("{CLOUD}/user-permissions");
    let body = json!({"metadata": {"name": "permission-1"}, "spec": {
        "namespace": "ns", "apiGroups": ["", "batch", "k8splugin.io"], "resources": ["*"], "verbs": ["*"],
    }});
    assert_snapshot!(server.post(&list, body.clone()).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/l/user-permissions/permission-1
    etag: "[version]"
    warning: 299 - "'*' in permission 'permission-1' stands for a fixed list of what a tenant can be granted; see status.effective of the permission; it has nothing of k8splugin.io: name the resources"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "permission-1",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "apiGroups": [
          "",
          "batch",
          "k8splugin.io"
        ],
        "resources": [
          "*"
        ],
        "verbs": [
          "*"
        ]
      },
      "status": {
        "effective": [
          {
            "apiGroups": [
              ""
            ],
            "resources": [
              "configmaps",
              "events",
              "persistentvolumeclaims",
              "pods",
              "pods/attach",
              "pods/eviction",
              "pods/exec",
              "pods/log",
              "pods/portforward",
              "podtemplates",
              "replicationcontrollers",
              "replicationcontrollers/scale",
              "secrets",
              "serviceaccounts",
              "services"
            ],
            "verbs": [
              "get",
              "list",
              "watch",
              "create",
              "update",
              "patch",
              "delete",
              "deletecollection"
            ]
          },
          {
            "apiGroups": [
              ""
            ],
            "resources": [
              "endpoints",
              "limitranges",
              "persistentvolumeclaims/status",
              "pods/status",
              "resourcequotas",
              "services/status"
            ],
            "verbs": [
              "get",
              "list",
              "watch"
            ]
          },
          {
            "apiGroups": [
              "batch"
            ],
            "resources": [
              "cronjobs",
              "jobs"
            ],
            "verbs": [
              "get",
              "list",
              "watch",
              "create",
              "update",
              "patch",
              "delete",
              "deletecollection"
            ]
          }
        ]
      }
    }
    "#);
    let path = format!("{list}/permission-1");
    let shown = server.get(&path).await;
    assert_eq!(shown.header("warning"), None);
    assert_eq!(
        shown.json()["spec"]["verbs"],
        json!(["*"]),
        "as it was written"
    );
    // What is shown can be written again.
    let again = server.put(&path, shown.json()).await;
    assert_eq!(again.status, 200, "{again}");
    assert_eq!(
        again.headers.get_all("warning").iter().count(),
        1,
        "{again}"
    );
    let everything = json!({"spec": {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}});
    let wide = server.put(&path, everything).await;
    assert_eq!(wide.status, 200, "{wide}");
    let effective = wide.json()["status"]["effective"].to_string();
    assert!(
        !effective.contains('*') && !effective.contains("rbac"),
        "{effective}"
    );
    let named = json!({"spec": {"apiGroups": ["*"], "resources": ["*", "roles"], "verbs": ["*"]}});
    assert_eq!(
        server.put(&path, named).await.fields(),
        ["spec.resources[1]"]
    );
    let flat = json!({"name": "flat", "user": {"user-name": "u", "user-permissions": [
        {"permission-name": "all", "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    ]}});
    let flat = server.post("/v2/projects/p/logical-clouds", flat).await;
    assert_eq!(flat.status, 201, "{flat}");
    let warning = flat.header("warning").unwrap();
    assert!(warning.contains("permission 'all'"), "{warning}");
}

#[tokio::test]
async fn users_have_permissions_of_their_own() {
    let server = Server::furnished().await;
    let users = format!("{CLOUD}/users");
    assert_snapshot!(server.post(&users, json!({"metadata": {"name": "ann", "description": "night shift"}})).await, @r#"
    201 Created
    location: /v2/projects/p/logical-clouds/l/users/ann
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "night shift",
        "name": "ann",
        "userData1": "",
        "userData2": ""
      },
      "spec": {
        "type": "certificate"
      },
      "status": {
        "identityGeneration": 1
      }
    }
    "#);
    let wrong = json!({"metadata": {"name": "robot"}, "spec": {"type": "password"}});
    assert_snapshot!(server.post(&users, wrong).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "spec.type must be certificate, service-account or signing-request (a certificate, the token of a service account where clusters sign no client certificates, or a certificate for a key that its holder keeps)",
      "errors": [
        {
          "field": "spec.type",
          "got": "password",
          "hint": "a certificate, the token of a service account where clusters sign no client certificates, or a certificate for a key that its holder keeps",
          "rule": "must be certificate, service-account or signing-request"
        }
      ],
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
    let robot = json!({"metadata": {"name": "robot"}, "spec": {"type": "service-account"}});
    let created = server.post(&users, robot).await;
    assert_eq!(created.status, 201, "{created}");
    assert_eq!(created.json()["spec"]["type"], "service-account");
    let gone = server.delete(&format!("{users}/robot")).await;
    assert_eq!(gone.status, 204, "{gone}");
    let permissions = format!("{CLOUD}/user-permissions");
    let of = |user: &str| {
        json!({"metadata": {"name": "x"}, "spec": {
            "user": user, "apiGroups": [""], "resources": ["pods"], "verbs": ["get"],
        }})
    };
    assert_snapshot!(server.post(&permissions, of("eve")).await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "user 'eve' of logical cloud 'l' does not exist",
      "errors": [
        {
          "field": "spec.user",
          "got": "eve",
          "rule": "must be a user of the logical cloud"
        }
      ],
      "hint": "create the user first, or leave it out: then the first user is meant",
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
    let created = server.post(&permissions, of("ann")).await;
    assert_eq!(created.json()["spec"]["user"], "ann", "{created}");
    assert_snapshot!(server.delete(&format!("{users}/ann")).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "user 'ann' of logical cloud 'l' is named by user permission 'x'",
      "hint": "delete those permissions, or name another user in them, first",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
    assert_snapshot!(server.delete(&format!("{users}/u")).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "user 'u' of logical cloud 'l' is the first user of it",
      "hint": "name another one in spec.user.userName of the logical cloud first",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
    assert_eq!(server.delete(&format!("{permissions}/x")).await.status, 204);
    let hers = server.get(&format!("{users}/ann")).await;
    let stale = [("if-match", "\"7777\"")];
    let refused = server
        .call(http::Method::DELETE, &format!("{users}/ann"), &stale, "")
        .await;
    assert_eq!(refused.status, 412, "{refused}");
    let current = [("if-match", hers.header("etag").unwrap())];
    let deleted = server
        .call(http::Method::DELETE, &format!("{users}/ann"), &current, "")
        .await;
    assert_eq!(deleted.status, 204, "{deleted}");
    let names: Vec<_> = server.get(&users).await.json().as_array().unwrap().clone();
    assert_eq!(names.len(), 1);
}

#[tokio::test]
async fn a_user_is_revoked_and_the_answer_is_that_of_an_action() {
    let server = Server::furnished().await;
    let path = format!("{CLOUD}/users/u/revoke");
    assert_snapshot!(server.post(&path, json!({})).await, @r#"
    202 Accepted
    location: /v2/projects/p/logical-clouds/l/status
    content-type: application/json
    {
      "generation": 0,
      "wish": "absent"
    }
    "#);
    let user = server.get(&format!("{CLOUD}/users/u")).await;
    assert_eq!(user.json()["status"]["identityGeneration"], 2, "{user}");
    assert!(user.json()["status"]["revokedAt"].is_string(), "{user}");
    let repeated = [("if-match", "\"7777\"")];
    let refused = server.call(http::Method::POST, &path, &repeated, "").await;
    assert_eq!(refused.status, 412, "{refused}");
    let current = [("if-match", user.header("etag").unwrap())];
    let again = server.call(http::Method::POST, &path, &current, "").await;
    assert_eq!(again.status, 202, "{again}");
    let nobody = server
        .post(&format!("{CLOUD}/users/nobody/revoke"), json!({}))
        .await;
    assert_eq!(nobody.status, 404, "{nobody}");
    // The first user of a flat body is a user like any other.
    let flat = json!({"name": "f", "user": {"user-name": "tenant", "type": "certificate"}});
    let clouds = "/v2/projects/p/logical-clouds";
    assert_eq!(server.post(clouds, flat).await.status, 201);
    let flat = server
        .post(&format!("{clouds}/f/users/tenant/revoke"), json!({}))
        .await;
    assert_eq!(flat.status, 202, "{flat}");
}

#[tokio::test]
async fn the_logical_cloud_must_exist() {
    let server = Server::furnished().await;
    for noun in [
        "cluster-quotas",
        "users",
        "user-permissions",
        "cluster-references",
    ] {
        let path = format!("/v2/projects/p/logical-clouds/none/{noun}");
        assert_eq!(server.get(&path).await.status, 404, "{path}");
        assert_eq!(
            server.get(&format!("{path}/x")).await.status,
            404,
            "{path}/x"
        );
        assert_eq!(
            server.delete(&format!("{path}/x")).await.status,
            404,
            "{path}/x"
        );
    }
}
