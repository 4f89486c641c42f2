//! `POST /v2/apply`: a list of documents, as the single calls take them, in one commit.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{CANARY, CLOUD, Server, new_cluster};

const APPLY: &str = "/v2/apply";

fn entry(path: &str, document: Value) -> Value {
    let mut entry = json!({"path": path});
    entry["document"] = document;
    entry
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

/// One entry for each kind of document, children first.
fn everything() -> Value {
    let cloud = "projects/p/logical-clouds/l";
    let of_cloud = |noun: &str, document| entry(&format!("{cloud}/{noun}"), document);
    let rule = json!({"apiGroups": [""], "resources": ["*"], "verbs": ["get"]});
    let pairs = json!({"metadata": {"name": "k"}, "spec": {"kv": [{"a": "b"}]}});
    let endpoint = json!({"metadata": {"name": "c"}, "spec": {"host": "h", "port": 1}});
    json!([
        {"path": format!("{cloud}/instantiate")},
        of_cloud("kv-pairs", pairs.clone()),
        of_cloud("cluster-quotas/q", json!({"spec": {"pods": 5}})),
        of_cloud("user-permissions", json!({"metadata": {"name": "r"}, "spec": rule})),
        of_cloud("users/ann", json!({"spec": {"type": "certificate"}})),
        of_cloud("cluster-references", json!({"spec": {"clusterProvider": "v", "cluster": "c1"}})),
        entry("/v2/projects/p/logical-clouds", json!({"metadata": {"name": "l"}, "spec": {"user": {"userName": "u"}}})),
        entry("projects", named("p")),
        entry("cluster-providers/v/clusters/c1/kv-pairs", pairs.clone()),
        entry("cluster-providers/v/clusters/c1/labels", json!({"metadata": {"name": ""}, "clusterLabel": "edge"})),
        entry("cluster-providers/v/clusters", new_cluster("c1")),
        entry("cluster-providers/v/cluster-sync-objects", pairs),
        entry("cluster-providers/v", json!({})),
        entry("controllers", endpoint.clone()),
        entry("clm-controllers", endpoint),
    ])
}

#[tokio::test]
async fn every_kind_of_document_is_applied_in_any_order() {
    let server = Server::new();
    let answer = server.post(APPLY, everything()).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.header("warning").unwrap().contains("permission 'r'"));
    assert!(!answer.text.contains(CANARY));
    let applied = answer.json();
    assert_eq!(applied["dryRun"], false);
    let entries = applied["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 15);
    let action = &entries[0];
    assert_eq!(
        (&action["result"], &action["generation"]),
        (&json!("accepted"), &json!(1))
    );
    assert_eq!(
        entries[5]["path"],
        "projects/p/logical-clouds/l/cluster-references/v-c1"
    );
    for created in &entries[1..] {
        assert_eq!(created["result"], "created", "{created}");
        let single = server
            .get(&format!("/v2/{}", created["path"].as_str().unwrap()))
            .await;
        assert_eq!(single.status, 200, "{created}");
        assert_eq!(single.header("etag"), created["etag"].as_str());
    }
    let again = server.post(APPLY, everything()).await.json();
    for unchanged in &again["entries"].as_array().unwrap()[1..] {
        assert_eq!(unchanged["result"], "unchanged", "{unchanged}");
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let server = Server::new();
    let list = json!([entry("projects", named("p"))]);
    assert_snapshot!(server.post("/v2/apply?dryRun=true", list).await, @r#"
    200 OK
    content-type: application/json
    {
      "dryRun": true,
      "entries": [
        {
          "path": "projects/p",
          "result": "created"
        }
      ]
    }
    "#);
    assert_eq!(server.get("/v2/projects/p").await.status, 404);
    assert!(server.nudges().is_empty());
    let bad = server.post("/v2/apply?dryRun=maybe", json!([])).await;
    assert_eq!(
        (bad.status.as_u16(), bad.fields()),
        (400, vec!["dryRun".to_owned()])
    );
}

#[tokio::test]
async fn faults_of_all_entries_are_told_at_once() {
    let server = Server::furnished().await;
    let list = json!([
        entry("projects", named("new")),
        entry(
            "projects/p/logical-clouds/none/cluster-quotas/q",
            json!({"spec": {"pods": "1"}})
        ),
        entry(
            "projects/p/logical-clouds/l/cluster-references/r",
            json!({"spec": {"clusterProvider": "v", "cluster": "none"}})
        ),
    ]);
    assert_snapshot!(server.post(APPLY, list).await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "nothing was changed: 2 of 3 entries refused",
      "errors": [
        {
          "field": "[1]",
          "got": "",
          "rule": "logical cloud 'none' of project 'p' does not exist"
        },
        {
          "field": "[2]",
          "got": "",
          "hint": "register the cluster first",
          "rule": "cluster 'none' of cluster provider 'v' does not exist"
        },
        {
          "field": "[2].document.spec.cluster",
          "got": "v/none",
          "rule": "names a cluster that is not registered: cluster 'none' of cluster provider 'v'"
        }
      ],
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
    assert_eq!(server.get("/v2/projects/new").await.status, 404);
}

/// A list, the status of its refusal, and the fields at fault.
fn bad_lists() -> Vec<(Value, u16, Vec<&'static str>)> {
    let quota = "projects/p/logical-clouds/l/cluster-quotas";
    vec![
        (json!({"path": "projects"}), 422, vec!["body"]),
        (json!(["projects"]), 422, vec!["[0]"]),
        (json!([{"document": {}}]), 400, vec!["[0].path"]),
        (json!([{"path": 1}]), 422, vec!["[0].path"]),
        (
            json!([{"path": "projects"}]),
            400,
            vec!["[0].document.metadata.name"],
        ),
        (
            json!([entry("projects", json!("text"))]),
            422,
            vec!["[0].document"],
        ),
        (
            json!([entry("projects/Not/x", named("x"))]),
            400,
            vec!["[0].path"],
        ),
        (json!([entry("", named("x"))]), 400, vec!["[0].path"]),
        (
            json!([entry("projects/p/logical-clouds/l/status", json!({}))]),
            400,
            vec!["[0].path"],
        ),
        (
            json!([entry(
                "projects/p/logical-clouds/l/cluster-providers/v/cluster-references",
                json!({})
            )]),
            400,
            vec!["[0].path"],
        ),
        (
            json!([{"path": "projects/p/logical-clouds/@/instantiate"}]),
            400,
            vec!["[0].path"],
        ),
        (
            json!([entry("projects/q", named("p"))]),
            400,
            vec!["[0].document.metadata.name"],
        ),
        (
            json!([
                entry("projects", named("q")),
                entry("projects/q", json!({}))
            ]),
            400,
            vec!["[1]"],
        ),
        (
            json!([
                entry(quota, named("a")),
                entry(quota, json!({"spec": {"podz": 1}}))
            ]),
            400,
            vec![
                "[0].document.spec",
                "[1].document.metadata.name",
                "[1].document.spec.podz",
            ],
        ),
        (
            json!([{"path": "projects/p/logical-clouds/l/stop"}, {"path": "projects/p/logical-clouds/l/update"}]),
            400,
            vec!["[1].path"],
        ),
        (
            json!([{"path": "projects/p/logical-clouds/l/instantiate"}]),
            409,
            vec!["[0]"],
        ),
        (
            json!(vec![entry("projects", named("x")); 1001]),
            400,
            vec!["body"],
        ),
    ]
}

#[tokio::test]
async fn bad_lists_are_refused_and_change_nothing() {
    let server = Server::furnished().await;
    for (list, status, fields) in bad_lists() {
        let answer = server.post(APPLY, list.clone()).await;
        let shown: String = list.to_string().chars().take(120).collect();
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (status, fields.iter().map(|f| (*f).to_owned()).collect()),
            "{shown}: {answer}"
        );
    }
    let projects = server.get("/v2/projects").await.json();
    assert_eq!(projects.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn unknown_members_are_told_with_their_entry_and_under_strict_validation_refused() {
    let server = Server::new();
    let mut one = entry(
        "projects",
        json!({"metadata": {"name": "p", "descriptoin": "x"}}),
    );
    one["when"] = json!("now");
    let answer = server.post(APPLY, json!([one.clone()])).await;
    let warnings: Vec<_> = answer.headers.get_all("warning").iter().collect();
    assert_eq!(warnings.len(), 2, "{answer}");
    let strict = server
        .post("/v2/apply?fieldValidation=Strict", json!([one]))
        .await;
    let expected = ["[0].when", "[0].document.metadata.descriptoin"];
    assert_eq!(
        (strict.status.as_u16(), strict.fields()),
        (400, expected.map(str::to_owned).to_vec())
    );
}

#[tokio::test]
async fn a_list_changes_what_is_there() {
    let server = Server::furnished().await;
    let text = json!({"metadata": {"description": "new"}});
    let list = json!([
        entry("projects/p", text),
        entry(
            "projects/p/logical-clouds/l",
            json!({"spec": {"namespace": "ns", "user": {"userName": "u"}}})
        )
    ]);
    let applied = server.post(APPLY, list).await.json();
    assert_eq!(applied["entries"][0]["result"], "updated");
    assert_eq!(applied["entries"][1]["result"], "unchanged");
    let single = server.get(CLOUD).await;
    assert_eq!(
        single.header("etag"),
        applied["entries"][1]["etag"].as_str()
    );
}
