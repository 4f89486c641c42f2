//! `Idempotency-Key`: one effect and one answer for each key, whatever is repeated, and when.

use std::collections::BTreeSet;

use dcm_api::PressureLimits;
use dcm_app::Policy;
use dcm_store::{Query, Scope};
use dcm_types::DocumentKind;
use http::Method;
use serde_json::{Value, json};

use crate::server::{Answer, CANARY, CLOUD, Server, new_cluster};

const KEY: &str = "idempotency-key";

async fn with_key(server: &Server, method: Method, path: &str, key: &str, body: &Value) -> Answer {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    server.call(method, path, &[(KEY, key)], text).await
}

fn project(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

/// Everything of a kind that is stored.
async fn stored(server: &Server, kind: DocumentKind) -> Vec<String> {
    let query = Query {
        kind,
        scope: Scope::All,
        after: None,
        limit: 10_000,
    };
    let page = server.store.list(&query).await.unwrap();
    page.documents.into_iter().map(|found| found.body).collect()
}

fn told(answer: &Answer) -> (u16, Vec<Option<String>>, &str) {
    let headers = ["etag", "location", "content-type", "warning"];
    let headers = headers.map(|name| answer.header(name).map(str::to_owned));
    (answer.status.as_u16(), headers.to_vec(), &answer.text)
}

/// A write of each noun, with the paths it needs before it.
fn writes() -> Vec<(Method, String, Value)> {
    let pairs = json!({"metadata": {"name": "k"}, "spec": {"kv": [{"a": "b"}]}});
    let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
    let controller = json!({"metadata": {"name": "a"}, "spec": {"host": "h", "port": 1}});
    let post = |path: String, body: Value| (Method::POST, path, body);
    let provider = "/v2/cluster-providers/v";
    let flat = format!("{CLOUD}/cluster-providers/v/cluster-references/c2");
    vec![
        post("/v2/projects".into(), project("q")),
        post("/v2/cluster-providers".into(), project("w")),
        post("/v2/controllers".into(), controller.clone()),
        post("/v2/clm-controllers".into(), controller),
        post(format!("{provider}/clusters"), new_cluster("c9")),
        (
            Method::PUT,
            format!("{provider}/clusters/c9"),
            new_cluster("c9"),
        ),
        post(
            format!("{provider}/clusters/c1/labels"),
            json!({"clusterLabel": "east"}),
        ),
        post(format!("{provider}/clusters/c1/kv-pairs"), pairs.clone()),
        post(format!("{provider}/cluster-sync-objects"), pairs.clone()),
        post("/v2/projects/p/logical-clouds".into(), project("m")),
        (
            Method::PUT,
            "/v2/projects/p/logical-clouds/m".into(),
            json!({"metadata": {"description": "x"}, "unknown": 1}),
        ),
        post(
            format!("{CLOUD}/cluster-references"),
            json!({"spec": {"clusterProvider": "v", "cluster": "c1"}}),
        ),
        (
            Method::PUT,
            flat.clone(),
            json!({"loadbalancer-ip": "52.1.1.1"}),
        ),
        post(format!("{CLOUD}/users"), project("bob")),
        post(
            format!("{CLOUD}/user-permissions"),
            json!({"metadata": {"name": "r"}, "spec": rule}),
        ),
        post(
            format!("{CLOUD}/cluster-quotas"),
            json!({"metadata": {"name": "q"}, "spec": {"pods": "1"}}),
        ),
        post(format!("{CLOUD}/kv-pairs"), pairs),
        post(format!("{CLOUD}/instantiate"), Value::Null),
        post(format!("{CLOUD}/instantiate"), Value::Null),
        post(format!("{CLOUD}/stop"), Value::Null),
        post(format!("{CLOUD}/terminate"), Value::Null),
        (Method::DELETE, CLOUD.into(), Value::Null),
        (
            Method::DELETE,
            "/v2/projects/p/logical-clouds/m".into(),
            Value::Null,
        ),
        (
            Method::DELETE,
            format!("{provider}/clusters/c9"),
            Value::Null,
        ),
        (Method::DELETE, "/v2/projects/q".into(), Value::Null),
        (
            Method::POST,
            "/v2/apply".into(),
            json!([
                {"path": "projects/q", "document": {}},
                {"path": "cluster-providers/x", "document": {}},
            ]),
        ),
        // Changes nothing, and is kept all the same.
        (Method::PUT, "/v2/projects/p".into(), project("p")),
    ]
}

#[tokio::test]
async fn every_write_is_done_once_and_answered_alike() {
    let (keyed, plain) = (Server::furnished().await, Server::furnished().await);
    for (number, (method, path, body)) in writes().into_iter().enumerate() {
        let key = format!("key-{number}");
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let without = plain.call(method.clone(), &path, &[], text).await;
        let first = with_key(&keyed, method.clone(), &path, &key, &body).await;
        assert!(first.status.is_success(), "{method} {path}: {first}");
        assert!(!tells_provisional_version(&first), "{first}");
        // As it is answered without a key; versions, uids and times differ.
        assert_eq!(first.status, without.status, "{method} {path}");
        assert_eq!(
            first.header("location"),
            without.header("location"),
            "{path}"
        );
        assert_eq!(first.header("warning"), without.header("warning"), "{path}");
        assert_eq!(
            first.header("etag").is_some(),
            without.header("etag").is_some(),
            "{path}"
        );
        let (nudges, audit) = (
            keyed.nudges().len(),
            stored(&keyed, DocumentKind::Audit).await,
        );
        let second = with_key(&keyed, method.clone(), &path, &key, &body).await;
        assert_eq!(told(&second), told(&first), "{method} {path}");
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
        assert_eq!(keyed.nudges().len(), nudges, "{path}");
        assert_eq!(stored(&keyed, DocumentKind::Audit).await, audit, "{path}");
    }
    assert_eq!(keyed.nudges(), plain.nudges());
    let audited = stored(&keyed, DocumentKind::Audit).await.len();
    assert_eq!(audited, stored(&plain, DocumentKind::Audit).await.len());
}

#[tokio::test]
async fn the_version_that_is_told_is_the_one_that_is_stored() {
    let server = Server::new();
    let first = with_key(&server, Method::POST, "/v2/projects", "k", &project("p")).await;
    let read = server.get("/v2/projects/p").await;
    assert_eq!(first.header("etag"), read.header("etag"), "{first}");
    let changed = json!({"metadata": {"name": "p", "description": "x"}});
    let tag = first.header("etag").unwrap();
    let headers = [(KEY, "other"), ("if-match", tag)];
    let path = "/v2/projects/p";
    let put = server
        .call(Method::PUT, path, &headers, changed.to_string())
        .await;
    assert_eq!(put.status, 200, "{put}");
    // A repeat is answered although the condition does not hold any more, and although it is gone.
    let again = server
        .call(Method::PUT, path, &headers, changed.to_string())
        .await;
    assert_eq!(told(&again), told(&put));
    server.delete(path).await;
    let repeated = with_key(&server, Method::POST, "/v2/projects", "k", &project("p")).await;
    assert_eq!(told(&repeated), told(&first));
    assert_eq!(server.get(path).await.status, 404);
}

/// Entries of an apply: of documents that exist and that do not, with an action, and with a description
/// that looks like a version which is not known yet.
fn entries() -> Value {
    let looks_like_one = json!({"description": "\"4611686018427387905\" 9223372036854775808"});
    json!([
        {"path": format!("{}/instantiate", CLOUD.trim_start_matches("/v2/"))},
        {"path": "projects/p", "document": project("p")},
        {"path": "projects/q", "document": {"metadata": looks_like_one}},
        {"path": "projects/q/logical-clouds", "document": {
            "metadata": {"name": "m"},
            "spec": {"user": {"userName": "u"}},
        }},
        {"path": "projects/p/logical-clouds/l/users/ann", "document": {}},
        {"path": "projects/p/logical-clouds/l/cluster-references", "document": {
            "spec": {"clusterProvider": "v", "cluster": "c1"},
        }},
        {"path": "cluster-providers/v/clusters/c1/labels", "document": {"clusterLabel": "east"}},
    ])
}

#[tokio::test]
async fn an_apply_tells_the_versions_that_are_stored() {
    let server = Server::furnished().await;
    let path = "/v2/apply";
    for (key, list) in [("k1", entries()), ("k2", entries())] {
        let first = with_key(&server, Method::POST, path, key, &list).await;
        assert_eq!(first.status, 200, "{first}");
        let applied = first.json();
        for entry in applied["entries"].as_array().unwrap() {
            let single = format!("/v2/{}", entry["path"].as_str().unwrap());
            let read = server.get(&single).await;
            assert_eq!(entry["etag"].as_str(), read.header("etag"), "{entry}");
        }
        let second = with_key(&server, Method::POST, path, key, &list).await;
        assert_eq!(told(&second), told(&first));
        for answer in [&first, &second] {
            let length = answer.text.len().to_string();
            assert_eq!(answer.header("content-length"), Some(length.as_str()));
        }
    }
    let dry = with_key(
        &server,
        Method::POST,
        "/v2/apply?dryRun=true",
        "k3",
        &json!([{"path": "projects/new", "document": {}}]),
    )
    .await;
    assert_eq!(dry.json()["entries"][0]["etag"], Value::Null, "{dry}");
    assert_eq!(server.get("/v2/projects/new").await.status, 404);
}

/// Whether an answer tells a number that no store counts to: a version that is not known yet.
fn tells_provisional_version(answer: &Answer) -> bool {
    let headers = answer.headers.values().map(|value| value.to_str().unwrap());
    let mut texts = headers.chain([answer.text.as_str()]);
    texts.any(|text| {
        let mut runs = text.split(|character: char| !character.is_ascii_digit());
        runs.any(|digits| digits.len() > 18)
    })
}

#[tokio::test]
async fn a_key_of_another_request_is_refused_by_its_header() {
    let server = Server::new();
    with_key(&server, Method::POST, "/v2/projects", "k", &project("p")).await;
    for (method, path, body) in [
        (Method::POST, "/v2/projects", project("q")),
        (
            Method::POST,
            "/v2/projects?fieldValidation=Strict",
            project("p"),
        ),
        (Method::POST, "/v2/cluster-providers", project("p")),
        (Method::PUT, "/v2/projects/p", project("p")),
        (Method::DELETE, "/v2/projects/p", Value::Null),
    ] {
        let answer = with_key(&server, method, path, "k", &body).await;
        assert_eq!(answer.status, 422, "{path}: {answer}");
        assert_eq!(answer.fields(), ["Idempotency-Key"]);
    }
    assert_eq!(server.get("/v2/projects/q").await.status, 404);
}

#[tokio::test]
async fn a_refused_request_is_not_kept() {
    let server = Server::new();
    let path = "/v2/projects/p/logical-clouds";
    let refused = with_key(&server, Method::POST, path, "k", &project("l")).await;
    assert_eq!(refused.status, 404, "{refused}");
    with_key(&server, Method::POST, "/v2/projects", "k2", &project("p")).await;
    let done = with_key(&server, Method::POST, path, "k", &project("l")).await;
    assert_eq!(done.status, 201, "{done}");
    // Without the key it is one of its name that exists already; also for another key.
    let taken = with_key(&server, Method::POST, path, "k3", &project("l")).await;
    assert_eq!(taken.status, 409, "{taken}");
    assert_eq!(stored(&server, DocumentKind::KeptAnswer).await.len(), 2);
}

#[tokio::test]
async fn keys_are_bounded_in_length_characters_and_count() {
    let server = Server::new();
    let long = "k".repeat(256);
    for key in ["", "\"\"", "a b", "ä", "a\"b", "\"a", long.as_str()] {
        let headers = [(KEY, key)];
        let body = project("p").to_string();
        let answer = server
            .call(Method::POST, "/v2/projects", &headers, body)
            .await;
        assert_eq!(answer.status, 400, "{key}: {answer}");
        assert_eq!(answer.fields(), ["Idempotency-Key"], "{key}");
    }
    let twice = [(KEY, "a"), (KEY, "b")];
    let answer = server
        .call(Method::DELETE, "/v2/projects/p", &twice, "")
        .await;
    assert_eq!(answer.fields(), ["Idempotency-Key"], "{answer}");
    // A quoted key is the same key.
    let quoted = format!("\"{}\"", "k".repeat(255));
    let bare = "k".repeat(255);
    let first = with_key(
        &server,
        Method::POST,
        "/v2/projects",
        &quoted,
        &project("p"),
    )
    .await;
    let second = with_key(&server, Method::POST, "/v2/projects", &bare, &project("p")).await;
    assert_eq!(told(&first), told(&second));
    // A read has no effect, so its key means nothing.
    assert_eq!(
        with_key(&server, Method::GET, "/v2/projects/p", "", &Value::Null)
            .await
            .status,
        200
    );

    let policy = Policy {
        kept_answers: 2,
        ..Policy::default()
    };
    let server = Server::with(policy, PressureLimits::default());
    for (name, status) in [("a", 201), ("b", 201), ("c", 429), ("a", 201)] {
        let answer = with_key(&server, Method::POST, "/v2/projects", name, &project(name)).await;
        assert_eq!(answer.status, status, "{name}: {answer}");
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
    assert_eq!(server.get("/v2/projects/c").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_repeats_at_once_one_is_done() {
    let server = std::sync::Arc::new(Server::furnished().await);
    for round in 0..10 {
        let repeats: Vec<_> = (0..24)
            .map(|_| {
                let server = server.clone();
                tokio::spawn(async move {
                    let path = format!("{CLOUD}/users");
                    let body = project(&format!("user-{round}"));
                    with_key(&server, Method::POST, &path, &format!("k-{round}"), &body).await
                })
            })
            .collect();
        let mut answers = BTreeSet::new();
        for repeat in repeats {
            let answer = repeat.await.unwrap();
            if answer.status == 409 {
                assert_eq!(answer.header("retry-after"), Some("1"), "{answer}");
                assert!(answer.text.contains("still running"), "{answer}");
            } else {
                assert_eq!(answer.status, 201, "{answer}");
                answers.insert((answer.header("etag").map(str::to_owned), answer.text));
            }
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    let audit = stored(&server, DocumentKind::Audit).await;
    let created = audit.iter().filter(|record| record.contains("user-"));
    assert_eq!(created.count(), 10);
}

#[tokio::test]
async fn no_secret_is_kept() {
    let server = Server::furnished().await;
    let clusters = "/v2/cluster-providers/v/clusters";
    let first = with_key(&server, Method::POST, clusters, "k", &new_cluster("c9")).await;
    assert_eq!(first.status, 201, "{first}");
    let kept = stored(&server, DocumentKind::KeptAnswer).await;
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].contains(CANARY), "{}", kept[0]);
    assert!(!kept[0].contains("\"k\""), "{}", kept[0]);
}

#[tokio::test]
async fn a_method_that_the_path_does_not_have_is_told_before_a_key_that_was_used() {
    let server = Server::furnished().await;
    let first = with_key(&server, Method::POST, "/v2/projects", "k", &project("q")).await;
    assert_eq!(first.status, 201, "{first}");
    let rows = [
        (Method::PUT, "/v2/projects", project("r"), 405),
        (Method::POST, "/v2/projects", project("r"), 422),
    ];
    for (method, path, body, status) in rows {
        let answer = with_key(&server, method, path, "k", &body).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
    }
    assert_eq!(server.get("/v2/projects/r").await.status, 404);
}
