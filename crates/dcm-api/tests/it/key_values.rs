//! Key-values of clusters, of cluster providers and of logical clouds.

use http::Method;
use serde_json::{Value, json};

use crate::server::{CANARY, CLOUD, Server};

const CLUSTER_KVS: &str = "/v2/cluster-providers/v/clusters/c1/kv-pairs";
const OBJECTS: &str = "/v2/cluster-providers/v/cluster-sync-objects";

fn kv(name: &str, kv: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"kv": kv}})
}

#[tokio::test]
async fn one_value_is_found_in_the_first_map_that_has_its_key() {
    let server = Server::furnished().await;
    let pairs = json!([{"a": "1"}, {"a": "2", "b": "3"}]);
    for list in [CLUSTER_KVS, OBJECTS] {
        let made = server.post(list, kv("x", &pairs)).await;
        assert_eq!(made.status, 201, "{made}");
        assert_eq!(made.json()["spec"]["kv"], pairs);
        for (key, expected) in [("a", Some("1")), ("b", Some("3")), ("c", None), ("", None)] {
            let answer = server.get(&format!("{list}/x?key={key}")).await;
            match expected {
                Some(value) => assert_eq!(answer.json(), json!({"value": value})),
                None => assert_eq!(answer.status, 404, "{answer}"),
            }
        }
        let missing = server.get(&format!("{list}/none?key=a")).await;
        assert_eq!(missing.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn pairs_that_break_a_rule_are_named() {
    let server = Server::furnished().await;
    let rows = [
        (json!([{"a": 1}]), 400, vec!["spec.kv[0].a"]),
        (
            json!([{"a": true}, {"b": null}]),
            400,
            vec!["spec.kv[0].a", "spec.kv[1].b"],
        ),
        (json!([{"a": {"b": "c"}}]), 400, vec!["spec.kv[0].a"]),
        (json!([{"a": "x".repeat(129)}]), 400, vec!["spec.kv[0].a"]),
        (json!([{"": "x"}]), 400, vec!["spec.kv[0]"]),
        (json!({"a": "b"}), 422, vec!["spec.kv"]),
        (json!(["a"]), 422, vec!["spec.kv[0]"]),
        (Value::Null, 400, vec!["spec.kv"]),
    ];
    for (pairs, status, fields) in rows {
        let answer = server.post(CLUSTER_KVS, kv("x", &pairs)).await;
        let told = (answer.status.as_u16(), answer.fields());
        let wanted = fields.into_iter().map(str::to_owned).collect();
        assert_eq!(told, (status, wanted), "{pairs}: {answer}");
    }
    let longest = json!([{"a": "x".repeat(128)}]);
    assert_eq!(
        server.post(CLUSTER_KVS, kv("x", &longest)).await.status,
        201
    );
    let body = json!({"metadata": {"name": "y"}, "spec": {"kv": []}});
    let other = server.put(&format!("{CLUSTER_KVS}/x"), body).await;
    assert_eq!(other.fields(), ["metadata.name"], "{other}");
}

#[tokio::test]
async fn a_token_of_a_sync_object_is_kept_on_no_way() {
    let server = Server::furnished().await;
    let token = format!("{CANARY}-{}", "t".repeat(200));
    let pairs = json!([{"gitType": "github"}, {"gitToken": token}]);
    let path = format!("{OBJECTS}/repo");
    let answers = [
        server.post(OBJECTS, kv("repo", &pairs)).await,
        server.put(&path, kv("repo", &pairs)).await,
        server.get(&path).await,
        server.get(OBJECTS).await,
        server.get(&format!("{path}?key=gitToken")).await,
    ];
    for answer in answers {
        assert!(answer.status.is_success(), "{answer}");
        assert!(answer.text.contains(&token), "{answer}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    }
    let too_long = json!([{"gitToken": "DCMCANARY".repeat(1000)}]);
    let refused = server.post(OBJECTS, kv("other", &too_long)).await;
    assert_eq!(refused.fields(), ["spec.kv[0].gitToken"]);
    assert!(!refused.text.contains(CANARY), "{refused}");
}

#[tokio::test]
async fn a_put_that_changes_nothing_keeps_the_tag() {
    let server = Server::furnished().await;
    let pairs = json!([{"a": "1"}]);
    for path in [
        format!("{CLUSTER_KVS}/x"),
        format!("{OBJECTS}/x"),
        format!("{CLOUD}/kv-pairs/x"),
    ] {
        let first = server.put(&path, kv("x", &pairs)).await;
        assert_eq!(first.status, 201, "{first}");
        let same = server.put(&path, kv("x", &pairs)).await;
        assert_eq!(same.status, 200, "{same}");
        assert_eq!(same.header("etag"), first.header("etag"), "{path}");
        let other = server.put(&path, kv("x", &json!([]))).await;
        assert_ne!(other.header("etag"), first.header("etag"), "{path}");
        let tag = first.header("etag").unwrap();
        let stale = [("if-match", tag)];
        let refused = server.call(Method::DELETE, &path, &stale, "").await;
        assert_eq!(refused.status, 412, "{path}: {refused}");
        assert_eq!(server.delete(&path).await.status, 204);
    }
}

#[tokio::test]
async fn a_logical_cloud_takes_free_objects_within_bounds() {
    let server = Server::furnished().await;
    let list = format!("{CLOUD}/kv-pairs");
    let free = json!([{"a": {"b": [1, null, "x"]}, "c": 2}, {}]);
    let made = server.post(&list, kv("x", &free)).await;
    assert_eq!(
        (made.status.as_u16(), &made.json()["spec"]["kv"]),
        (201, &free)
    );
    let missing = server.post(&list, json!({"metadata": {"name": "y"}})).await;
    assert_eq!(missing.json()["spec"]["kv"], json!([]), "{missing}");
    let rows = [
        (json!({"a": 1}), 422, "spec.kv"),
        (json!([1]), 422, "spec.kv[0]"),
        (json!([{"a": "x".repeat(70_000)}]), 400, "spec.kv"),
        (json!(vec![json!({}); 501]), 400, "spec.kv"),
    ];
    for (free, status, field) in rows {
        let answer = server.post(&list, kv("z", &free)).await;
        let told = (answer.status.as_u16(), answer.fields());
        assert_eq!(told, (status, vec![field.to_owned()]), "{answer:.300}");
    }
    let gone = server
        .get("/v2/projects/p/logical-clouds/none/kv-pairs")
        .await;
    assert_eq!(gone.status, 404, "{gone}");
    server.delete(CLOUD).await;
    let cloud = json!({"metadata": {"name": "l"}});
    server.post("/v2/projects/p/logical-clouds", cloud).await;
    assert_eq!(
        server.get(&list).await.json(),
        json!([]),
        "they go with the cloud"
    );
}

#[tokio::test]
async fn parents_are_asked_for_and_kept() {
    let server = Server::furnished().await;
    for list in [
        "/v2/cluster-providers/v/clusters/none/kv-pairs",
        "/v2/cluster-providers/none/clusters/c1/labels",
        "/v2/cluster-providers/none/cluster-sync-objects",
    ] {
        let mut body = kv("x", &json!([]));
        body["clusterLabel"] = json!("x");
        for answer in [
            server.get(list).await,
            server.post(list, body.clone()).await,
            server.get(&format!("{list}/x")).await,
            server.delete(&format!("{list}/x")).await,
        ] {
            assert_eq!(answer.status, 404, "{list}: {answer}");
        }
    }
    for cluster in ["c1", "c2"] {
        let path = format!("/v2/cluster-providers/v/clusters/{cluster}");
        let pairs = format!("{path}/kv-pairs");
        server.post(&pairs, kv("x", &json!([]))).await;
        let kept = server.delete(&path).await;
        assert_eq!(kept.status, 409, "{kept}");
        assert!(kept.text.contains("still has kv-pairs"), "{kept}");
        server.delete(&format!("{pairs}/x")).await;
        assert_eq!(server.delete(&path).await.status, 204);
    }
    server.post(OBJECTS, kv("x", &json!([]))).await;
    let kept = server.delete("/v2/cluster-providers/v").await;
    assert_eq!(kept.status, 409, "{kept}");
    server.delete(&format!("{OBJECTS}/x")).await;
    assert_eq!(server.delete("/v2/cluster-providers/v").await.status, 204);
}
