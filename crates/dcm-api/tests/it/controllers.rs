//! Controllers: the rules of both groups, and that they do not mix.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn every_member_of_an_orchestrator_controller_is_returned() {
    let server = Server::new();
    let made = server
        .post("/v2/controllers", json!({"metadata": {"name": "rsync"}}))
        .await;
    assert_eq!(made.status, 201, "{made}");
    let empty = json!({"host": "", "port": 0, "type": "", "priority": 0});
    assert_eq!(made.json()["spec"], empty, "{made}");
    assert_eq!(made.header("location"), Some("/v2/controllers/rsync"));
    let spec = json!({"host": "rsync", "port": 9031, "type": "action", "priority": 1});
    let put = server
        .put("/v2/controllers/rsync", json!({"spec": spec}))
        .await;
    assert_eq!((put.status.as_u16(), &put.json()["spec"]), (200, &spec));
    assert_eq!(server.get("/v2/controllers/rsync").await.json(), put.json());
    let none = server.get("/v2/clm-controllers/rsync").await;
    assert_eq!(none.status, 404, "the groups are apart: {none}");
    assert_eq!(server.get("/v2/clm-controllers").await.json(), json!([]));
}

#[tokio::test]
async fn a_controller_of_the_cluster_manager_leaves_out_what_is_zero() {
    let server = Server::new();
    let spec = json!({"host": "h", "port": 9061});
    let body = json!({"metadata": {"name": "c"}, "spec": spec});
    let made = server.post("/v2/clm-controllers", body.clone()).await;
    assert_eq!((made.status.as_u16(), &made.json()["spec"]), (201, &spec));
    assert_eq!(server.post("/v2/clm-controllers", body).await.status, 409);
    assert_eq!(server.get("/v2/controllers").await.json(), json!([]));
    assert_eq!(server.delete("/v2/clm-controllers/c").await.status, 204);
}

#[tokio::test]
async fn what_breaks_a_rule_is_named() {
    let server = Server::new();
    let long = "x".repeat(129);
    let rows = [
        (
            "controllers",
            json!({"port": 50001}),
            400,
            vec!["spec.port"],
        ),
        ("controllers", json!({"port": -1}), 400, vec!["spec.port"]),
        ("controllers", json!({"port": "1"}), 422, vec!["spec.port"]),
        ("controllers", json!({"port": 1.5}), 422, vec!["spec.port"]),
        (
            "controllers",
            json!({"priority": 101}),
            400,
            vec!["spec.priority"],
        ),
        ("controllers", json!({"host": long}), 400, vec!["spec.host"]),
        (
            "controllers",
            json!({"type": "x".repeat(49)}),
            400,
            vec!["spec.type"],
        ),
        (
            "clm-controllers",
            json!({}),
            400,
            vec!["spec.host", "spec.port"],
        ),
        (
            "clm-controllers",
            json!({"host": "", "port": 0}),
            400,
            vec!["spec.host", "spec.port"],
        ),
        (
            "clm-controllers",
            json!({"host": "h", "port": 50001}),
            400,
            vec!["spec.port"],
        ),
    ];
    for (list, spec, status, fields) in rows {
        let body = json!({"metadata": {"name": "c"}, "spec": spec});
        let answer = server.post(&format!("/v2/{list}"), body).await;
        let told = (answer.status.as_u16(), answer.fields());
        let wanted = fields.into_iter().map(str::to_owned).collect();
        assert_eq!(told, (status, wanted), "{list}: {answer}");
    }
    let body = json!({"metadata": {"name": "other"}});
    let answer = server.put("/v2/controllers/c", body).await;
    assert_eq!(answer.fields(), ["metadata.name"], "{answer}");
}
