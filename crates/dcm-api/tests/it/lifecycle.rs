//! Actions, status, and waiting for it.

use dcm_types::ports::Nudge;
use insta::assert_snapshot;
use serde_json::json;

use crate::server::{CLOUD, Server};

async fn with_member() -> Server {
    let server = Server::furnished().await;
    let path = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    assert_eq!(server.put(&path, json!({})).await.status, 200);
    server
}

#[tokio::test]
async fn actions_are_accepted_with_a_generation_and_the_place_to_look() {
    let server = with_member().await;
    assert_snapshot!(server.post(&format!("{CLOUD}/instantiate"), json!({})).await, @r#"
    202 Accepted
    location: /v2/projects/p/logical-clouds/l/status
    content-type: application/json
    {
      "generation": 1,
      "wish": "present"
    }
    "#);
    assert_snapshot!(server.post(&format!("{CLOUD}/update"), json!({})).await, @r#"
    202 Accepted
    location: /v2/projects/p/logical-clouds/l/status
    content-type: application/json
    {
      "generation": 1,
      "wish": "present"
    }
    "#);
    assert_snapshot!(server.post(&format!("{CLOUD}/terminate"), json!({})).await, @r#"
    202 Accepted
    location: /v2/projects/p/logical-clouds/l/status
    content-type: application/json
    {
      "generation": 2,
      "wish": "absent"
    }
    "#);
    let clouds = server
        .nudges()
        .into_iter()
        .filter(|nudge| matches!(nudge, Nudge::Cloud(_)));
    assert_eq!(clouds.count(), 3);
}

#[tokio::test]
async fn the_body_of_an_action_is_never_read() {
    let server = with_member().await;
    for body in ["", "{", "{\"metadata\":{\"name\":\"\"}}", "[[[["] {
        let path = format!("{CLOUD}/apply");
        let headers = [("content-type", "text/yaml")];
        let answer = server.call(http::Method::POST, &path, &headers, body).await;
        assert_eq!(answer.status, 202, "{body}: {answer}");
    }
}

#[tokio::test]
async fn a_status_shows_what_is_wished_and_where_the_members_stand() {
    let server = with_member().await;
    assert_snapshot!(server.get(&format!("{CLOUD}/status?view=conditions")).await, @r#"
    200 OK
    content-type: application/json
    {
      "absent": true,
      "at": "[time]",
      "generation": {
        "wanted": 0
      },
      "history": [],
      "members": [],
      "name": "l",
      "project": "p",
      "ready": false
    }
    "#);
    server
        .post(&format!("{CLOUD}/instantiate"), json!({}))
        .await;
    assert_snapshot!(server.get(&format!("{CLOUD}/status?view=conditions")).await, @r#"
    200 OK
    content-type: application/json
    {
      "absent": false,
      "at": "[time]",
      "generation": {
        "wanted": 1
      },
      "history": [
        {
          "action": "instantiate",
          "at": "[time]",
          "generation": 1
        }
      ],
      "members": [
        {
          "cluster": "c1",
          "clusterProvider": "v",
          "conditions": [],
          "objects": [],
          "reference": "v-c1",
          "state": "pending"
        }
      ],
      "name": "l",
      "project": "p",
      "ready": false,
      "wish": "present"
    }
    "#);
}

#[tokio::test]
async fn waiting_ends_with_the_status_and_whether_it_was_reached() {
    let server = with_member().await;
    let absent = server
        .get(&format!("{CLOUD}/status?wait=absent&timeout=5s"))
        .await;
    assert_eq!(absent.json()["reached"], true, "{absent}");
    server
        .post(&format!("{CLOUD}/instantiate"), json!({}))
        .await;
    let ready = server
        .get(&format!(
            "{CLOUD}/status?wait=ready&timeout=50ms&generation=1"
        ))
        .await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["reached"], false, "{ready}");
}

#[tokio::test]
async fn bad_parameters_of_a_wait_are_named() {
    let server = with_member().await;
    for (query, field) in [
        ("wait=soon", "wait"),
        ("wait=", "wait"),
        ("wait=ready&timeout=1h", "timeout"),
        ("wait=ready&timeout=-1", "timeout"),
        ("wait=ready&generation=x", "generation"),
        ("generation=1", "generation"),
        ("wait=ready&wait=absent", "wait"),
    ] {
        let answer = server.get(&format!("{CLOUD}/status?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (400, vec![field.to_owned()]),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_live_cloud_is_not_deleted_and_a_terminating_one_is_queued() {
    let server = with_member().await;
    server
        .post(&format!("{CLOUD}/instantiate"), json!({}))
        .await;
    assert_snapshot!(server.delete(CLOUD).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "the logical cloud is instantiated",
      "hint": "terminate it first",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
    server.post(&format!("{CLOUD}/terminate"), json!({})).await;
    assert_snapshot!(server.delete(CLOUD).await, @r#"
    202 Accepted
    location: /v2/projects/p/logical-clouds/l/status
    content-type: application/json
    {
      "deletion": "queued"
    }
    "#);
}

#[tokio::test]
async fn actions_on_a_missing_cloud_are_not_found() {
    let server = Server::furnished().await;
    for action in ["instantiate", "apply", "update", "terminate", "stop"] {
        let path = format!("/v2/projects/p/logical-clouds/none/{action}");
        assert_eq!(server.post(&path, json!({})).await.status, 404, "{action}");
    }
    assert_eq!(
        server
            .get("/v2/projects/p/logical-clouds/none/status")
            .await
            .status,
        404
    );
}
