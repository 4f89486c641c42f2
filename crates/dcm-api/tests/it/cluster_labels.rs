//! Labels of clusters, and what is selected by labels.

use serde_json::{Value, json};

use crate::server::{Server, new_cluster};

const CLUSTERS: &str = "/v2/cluster-providers/v/clusters";

/// Names of a list of documents, or of names.
fn names(list: &Value) -> Vec<String> {
    let name = |item: &Value| match item {
        Value::String(name) => name.clone(),
        document => document["metadata"]["name"].as_str().unwrap().to_owned(),
    };
    list.as_array().unwrap().iter().map(name).collect()
}

/// `c1` has the labels `edge` and `gpu`, `c2` has `edge`, `c3` has none.
async fn labelled() -> Server {
    let server = Server::furnished().await;
    let plain = server.post(CLUSTERS, new_cluster("c3")).await;
    assert_eq!(plain.status, 201, "{plain}");
    for (cluster, label) in [("c1", "edge"), ("c1", "gpu"), ("c2", "edge")] {
        let path = format!("{CLUSTERS}/{cluster}/labels");
        let answer = server.post(&path, json!({"clusterLabel": label})).await;
        assert_eq!(answer.status, 201, "{answer}");
        assert_eq!(answer.json(), json!({"clusterLabel": label}));
    }
    server
}

#[tokio::test]
async fn clusters_are_found_by_a_label() {
    let server = labelled().await;
    for (query, expected) in [
        ("label=edge", json!(["c1", "c2"])),
        ("label=gpu", json!(["c1"])),
        ("label=none", json!([])),
        ("label=edge&labelSelector=!gpu", json!(["c2"])),
    ] {
        let answer = server.get(&format!("{CLUSTERS}?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, expected),
            "{query}"
        );
    }
    let with_labels = json!([{"clusterLabel": "edge"}, {"clusterLabel": "gpu"}]);
    for query in ["withLabels=true", "withLabels=TRUE&label=gpu"] {
        let answer = server.get(&format!("{CLUSTERS}?{query}")).await.json();
        assert_eq!(names(&answer), ["c1", "c2", "c3"], "{query}");
        assert_eq!(answer[0]["labels"], with_labels);
        assert_eq!(answer[2]["labels"], json!([]));
        assert!(answer[0].get("spec").is_none());
    }
    let whole = server
        .get(&format!("{CLUSTERS}?withLabels=no"))
        .await
        .json();
    assert!(whole[0].get("spec").is_some());
    let gone = server
        .get("/v2/cluster-providers/none/clusters?label=x")
        .await;
    assert_eq!(gone.status, 404, "{gone}");
    let bad = server.get(&format!("{CLUSTERS}?label=-x")).await;
    assert_eq!(bad.fields(), ["label"]);
}

#[tokio::test]
async fn a_label_of_a_cluster_is_selected_as_a_key_without_value() {
    let server = labelled().await;
    for (selector, expected) in [
        ("edge", vec!["c1", "c2"]),
        ("!edge", vec!["c3"]),
        ("edge,gpu", vec!["c1"]),
        ("edge,!gpu", vec!["c2"]),
        ("edge%3D", vec!["c1", "c2"]),
        ("edge=x", vec![]),
        ("edge!=x", vec!["c1", "c2", "c3"]),
        ("gpu%20in%20(x,y)", vec![]),
        ("gpu%20notin%20(x)", vec!["c1", "c2", "c3"]),
        ("", vec!["c1", "c2", "c3"]),
    ] {
        let answer = server
            .get(&format!("{CLUSTERS}?labelSelector={selector}"))
            .await;
        assert_eq!(names(&answer.json()), expected, "{selector}");
    }
    for selector in ["=", "a%20b", "a%20in%20(b", ",", "a%3E1"] {
        let path = format!("{CLUSTERS}?labelSelector={selector}");
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 400, "{selector}");
        assert_eq!(answer.fields(), ["labelSelector"], "{selector}");
    }
}

#[tokio::test]
async fn pages_of_what_is_selected_go_on_with_the_same_selection() {
    let server = labelled().await;
    let first = server
        .get(&format!("{CLUSTERS}?limit=1&labelSelector=edge%2C!none"))
        .await;
    assert_eq!(names(&first.json()), ["c1"]);
    let link = first.header("link").unwrap();
    let next = link.trim_start_matches('<').split_once('>').unwrap().0;
    assert!(next.contains("labelSelector=edge%2C!none"), "{link}");
    let second = server.get(next).await;
    assert_eq!(names(&second.json()), ["c2"]);
    assert_eq!(second.header("link"), None);
}

#[tokio::test]
async fn logical_clouds_are_selected_by_the_labels_of_their_namespace() {
    let server = Server::furnished().await;
    let clouds = "/v2/projects/p/logical-clouds";
    for (name, labels) in [
        ("a", json!({"team": "x", "tier": "gold"})),
        ("b", json!({"team": "y"})),
    ] {
        let body = json!({"metadata": {"name": name}, "spec": {"labels": labels}});
        assert_eq!(server.post(clouds, body).await.status, 201);
    }
    for (selector, expected) in [
        ("team", vec!["a", "b"]),
        ("!team", vec!["l"]),
        ("team%3Dx", vec!["a"]),
        ("team!=x", vec!["b", "l"]),
        ("team%20in%20(x,y),tier", vec!["a"]),
    ] {
        let path = format!("{clouds}?labelSelector={selector}");
        assert_eq!(
            names(&server.get(&path).await.json()),
            expected,
            "{selector}"
        );
    }
    let page = server
        .get(&format!("{clouds}?labelSelector=team&limit=1"))
        .await;
    assert_eq!(names(&page.json()), ["a"]);
    assert!(page.header("link").is_some());
}

#[tokio::test]
async fn the_labels_of_a_cluster_are_replaced_with_it() {
    let server = labelled().await;
    let path = format!("{CLUSTERS}/c1");
    let labels = async || server.get(&format!("{path}/labels")).await.json();
    let kept = server.put(&path, json!({})).await;
    assert_eq!(kept.status, 200, "{kept}");
    assert_eq!(labels().await.as_array().unwrap().len(), 2);
    let body = json!({"labels": [{"clusterLabel": "gpu"}, {"label-name": "new"}]});
    let put = server.put(&path, body).await;
    assert_eq!(put.status, 200, "{put}");
    let now = json!([{"clusterLabel": "gpu"}, {"clusterLabel": "new"}]);
    assert_eq!(labels().await, now);
    assert_eq!(
        put.header("etag"),
        kept.header("etag"),
        "labels have tags of their own"
    );
    let refused = server.delete(&path).await;
    assert!(refused.text.contains("still has labels"), "{refused}");
    assert_eq!(server.put(&path, json!({"labels": []})).await.status, 200);
    assert_eq!(labels().await, json!([]));
    assert_eq!(server.delete(&path).await.status, 204);
    let mut new = new_cluster("c4");
    new["labels"] = json!([{"clusterLabel": "x"}]);
    assert_eq!(server.post(CLUSTERS, new).await.status, 201);
    let found = server.get(&format!("{CLUSTERS}?label=x")).await;
    assert_eq!(found.json(), json!(["c4"]));
}

#[tokio::test]
async fn a_label_is_that_of_its_path() {
    let server = labelled().await;
    let path = format!("{CLUSTERS}/c3/labels/x");
    let other = server.put(&path, json!({"clusterLabel": "y"})).await;
    assert_eq!(other.fields(), ["clusterLabel"], "{other}");
    assert_eq!(server.put(&path, json!({})).await.status, 201);
    assert_eq!(
        server.put(&path, json!({"clusterLabel": "x"})).await.status,
        200
    );
    assert_eq!(server.get(&path).await.json(), json!({"clusterLabel": "x"}));
}
