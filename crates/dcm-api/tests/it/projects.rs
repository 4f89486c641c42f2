//! Projects and cluster providers: the plain life of a document.

use insta::assert_snapshot;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_project_is_created_read_replaced_and_deleted() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "p", "description": "first"}});
    assert_snapshot!(server.post("/v2/projects", body.clone()).await, @"");
    assert_snapshot!(server.post("/v2/projects", body).await, @"");
    assert_snapshot!(server.get("/v2/projects").await, @"");
    let body = json!({"metadata": {"description": "second"}});
    assert_snapshot!(server.put("/v2/projects/p", body).await, @"");
    assert_snapshot!(server.get("/v2/projects/p").await, @"");
    assert_snapshot!(server.delete("/v2/projects/p").await, @"");
    assert_snapshot!(server.delete("/v2/projects/p").await, @"");
    assert_snapshot!(server.get("/v2/projects").await, @"");
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
    assert_snapshot!(server.post("/v2/projects", body).await, @"");
    assert_eq!(server.get("/v2/projects").await.json(), json!([]));
}

#[tokio::test]
async fn a_parent_with_children_is_kept() {
    let server = Server::furnished().await;
    assert_snapshot!(server.delete("/v2/projects/p").await, @"");
    assert_snapshot!(server.delete("/v2/cluster-providers/v").await, @"");
}

#[tokio::test]
async fn an_unknown_member_is_told_and_under_strict_validation_refused() {
    let server = Server::new();
    let body = json!({"metadata": {"name": "p", "descripton": "x", "\"q\u{e9}": 1}});
    let strict = server
        .post("/v2/projects?fieldValidation=Strict", body.clone())
        .await;
    assert_snapshot!(strict, @"");
    assert_snapshot!(server.post("/v2/projects", body.clone()).await, @"");
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
