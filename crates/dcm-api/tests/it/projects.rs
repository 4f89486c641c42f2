//! Projects and cluster providers: the plain life of a document.

use insta::assert_snapshot;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_project_is_created_read_replaced_and_deleted() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "p", "description": "first"}});
    assert_snapshot!(server.post("/v2/projects", body.clone()).await, @r#"
    201 Created
    location: /v2/projects/p
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "first",
        "name": "p",
        "userData1": "",
        "userData2": ""
      }
    }
    "#);
    assert_snapshot!(server.post("/v2/projects", body).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "project 'p' exists already",
      "status": 409,
      "title": "Already exists",
      "type": "urn:dcm:problem:already-exists"
    }
    "#);
    assert_snapshot!(server.get("/v2/projects").await, @r#"
    200 OK
    content-type: application/json
    [
      {
        "metadata": {
          "description": "first",
          "name": "p",
          "userData1": "",
          "userData2": ""
        }
      }
    ]
    "#);
    let body = json!({"metadata": {"description": "second"}});
    assert_snapshot!(server.put("/v2/projects/p", body).await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "second",
        "name": "p",
        "userData1": "",
        "userData2": ""
      }
    }
    "#);
    assert_snapshot!(server.get("/v2/projects/p").await, @r#"
    200 OK
    etag: "[version]"
    content-type: application/json
    {
      "metadata": {
        "description": "second",
        "name": "p",
        "userData1": "",
        "userData2": ""
      }
    }
    "#);
    assert_snapshot!(server.delete("/v2/projects/p").await, @r#"204 No Content"#);
    assert_snapshot!(server.delete("/v2/projects/p").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "project 'p' does not exist",
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
    assert_snapshot!(server.get("/v2/projects").await, @r#"
    200 OK
    content-type: application/json
    []
    "#);
}

#[tokio::test]
async fn a_put_of_what_does_not_exist_creates_it() {
    let server = Server::new();
    for path in ["/v2/projects/a", "/v2/cluster-providers/a"] {
        let created = server.put(path, json!({})).await;
        assert_eq!(created.status, 201, "{created}");
        assert_eq!(created.header("location"), Some(path));
        let again = server.put(path, json!({"metadata": {"name": "a"}})).await;
        assert_eq!(again.status, 200, "{again}");
        let other = server.put(path, json!({"metadata": {"name": "b"}})).await;
        assert_eq!(
            (other.status.as_u16(), other.fields()),
            (400, vec!["metadata.name".to_owned()])
        );
    }
}

#[tokio::test]
async fn every_fault_of_a_document_is_told_at_once() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "a/b", "description": "x".repeat(1025), "userData1": "x".repeat(513)}});
    assert_snapshot!(server.post("/v2/projects", body).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "metadata.description must be at most 1024 characters; and 2 more",
      "errors": [
        {
          "field": "metadata.description",
          "got": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
          "rule": "must be at most 1024 characters"
        },
        {
          "field": "metadata.userData1",
          "got": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
          "rule": "must be at most 512 characters"
        },
        {
          "field": "metadata.name",
          "got": "a/b",
          "rule": "must consist of letters, digits, '-', '_' and '.', begin and end with a letter or digit, and not contain '..'"
        }
      ],
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
    assert_eq!(server.get("/v2/projects").await.json(), json!([]));
}

#[tokio::test]
async fn a_parent_with_children_is_kept() {
    let server = Server::furnished().await;
    assert_snapshot!(server.delete("/v2/projects/p").await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "project 'p' still has logical clouds",
      "hint": "delete its logical clouds first",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
    assert_snapshot!(server.delete("/v2/cluster-providers/v").await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "cluster provider 'v' still has clusters",
      "hint": "delete its clusters first",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
}

#[tokio::test]
async fn an_unknown_member_is_told_and_under_strict_validation_refused() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "p", "descripton": "x", "\"q\u{e9}": 1}});
    let strict = server
        .post("/v2/projects?fieldValidation=Strict", body.clone())
        .await;
    assert_snapshot!(strict, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "metadata.\"qé is not a known member; and 1 more",
      "errors": [
        {
          "field": "metadata.\"qé",
          "got": "",
          "rule": "is not a known member"
        },
        {
          "field": "metadata.descripton",
          "got": "",
          "hint": "did you mean 'metadata.description'?",
          "rule": "is not a known member"
        }
      ],
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
    assert_snapshot!(server.post("/v2/projects", body.clone()).await, @r#"
    201 Created
    location: /v2/projects/p
    etag: "[version]"
    warning: 299 - "unknown member 'metadata.\"q?' was ignored"
    warning: 299 - "unknown member 'metadata.descripton', did you mean 'metadata.description'?"
    content-type: application/json
    {
      "metadata": {
        "description": "",
        "name": "p",
        "userData1": "",
        "userData2": ""
      }
    }
    "#);
    let ignored = server
        .put("/v2/projects/p?fieldValidation=Ignore", body.clone())
        .await;
    assert_eq!(
        (ignored.status.as_u16(), ignored.header("warning")),
        (200, None)
    );
    let wrong = server
        .put("/v2/projects/p?fieldValidation=maybe", body)
        .await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.fields()),
        (400, vec!["fieldValidation".to_owned()])
    );
}
