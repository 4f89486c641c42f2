//! Every hostile name of T16 in every field that is a name, over REST: refused with the field, and
//! nothing is stored.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::{CLOUD, KUBECONFIG, Server};

#[derive(Deserialize)]
struct Row {
    text: Option<String>,
    repeat: Option<(String, usize)>,
    #[serde(default)]
    only: Vec<String>,
    why: String,
}

impl Row {
    fn name(&self) -> String {
        match (&self.text, &self.repeat) {
            (Some(text), _) => text.clone(),
            (None, Some((text, times))) => text.repeat(*times),
            (None, None) => unreachable!("a row has a text or a repeat"),
        }
    }

    fn applies_to(&self, grammars: &[&str]) -> bool {
        self.only.is_empty()
            || self
                .only
                .iter()
                .any(|only| grammars.contains(&only.as_str()))
    }
}

fn rows() -> Vec<Row> {
    let table = include_str!("../../../dcm-wire/tests/data/bad_names.json");
    let rows: Vec<Row> = serde_json::from_str(table).unwrap();
    assert!(rows.len() >= 200, "{} rows", rows.len());
    rows
}

/// A POST in which a name stands.
struct Place {
    path: String,
    field: &'static str,
    grammars: &'static [&'static str],
    /// An empty name means that it was left out.
    optional: bool,
    body: fn(&str) -> Value,
}

fn place(path: &str, field: &'static str, body: fn(&str) -> Value) -> Place {
    Place {
        path: path.to_owned(),
        field,
        grammars: &["resource"],
        optional: false,
        body,
    }
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn with_pairs(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"kv": []}})
}

fn cloud_with(spec: &Value) -> Value {
    json!({"metadata": {"name": "x"}, "spec": spec})
}

fn places() -> Vec<Place> {
    let clouds = "/v2/projects/p/logical-clouds";
    let references = format!("{CLOUD}/cluster-references");
    vec![
        place("/v2/projects", "metadata.name", named),
        place("/v2/cluster-providers", "metadata.name", named),
        place(
            "/v2/cluster-providers/v/clusters",
            "metadata.name",
            |name| json!({"metadata": {"name": name}, "spec": {"kubeconfig": KUBECONFIG}}),
        ),
        place(clouds, "metadata.name", named),
        place(clouds, "name", |name| json!({"name": name})),
        Place {
            grammars: &["label", "namespace"],
            optional: true,
            ..place(clouds, "spec.namespace", |name| {
                cloud_with(&json!({"namespace": name}))
            })
        },
        Place {
            optional: true,
            ..place(clouds, "spec.user.userName", |name| {
                cloud_with(&json!({"user": {"userName": name}}))
            })
        },
        place(clouds, "spec.clusters[0].cluster", |name| {
            cloud_with(&json!({"clusters": [{"clusterProvider": "v", "cluster": name}]}))
        }),
        place(
            &references,
            "metadata.name",
            |name| json!({"metadata": {"name": name}, "spec": {"clusterProvider": "v", "cluster": "c1"}}),
        ),
        place(
            &references,
            "spec.clusterProvider",
            |name| json!({"spec": {"clusterProvider": name, "cluster": "c1"}}),
        ),
        place(
            &references,
            "spec.cluster",
            |name| json!({"spec": {"clusterProvider": "v", "cluster": name}}),
        ),
        place("/v2/controllers", "metadata.name", named),
        place(
            "/v2/clm-controllers",
            "metadata.name",
            |name| json!({"metadata": {"name": name}, "spec": {"host": "h", "port": 1}}),
        ),
        place(
            "/v2/cluster-providers/v/clusters/c1/labels",
            "clusterLabel",
            |name| json!({"clusterLabel": name}),
        ),
        place(
            "/v2/cluster-providers/v/clusters",
            "labels[0].clusterLabel",
            |name| json!({"metadata": {"name": "x"}, "spec": {"kubeconfig": KUBECONFIG}, "labels": [{"clusterLabel": name}]}),
        ),
        place(
            "/v2/cluster-providers/v/clusters/c1/kv-pairs",
            "metadata.name",
            with_pairs,
        ),
        place(
            "/v2/cluster-providers/v/cluster-sync-objects",
            "metadata.name",
            with_pairs,
        ),
        place(&format!("{CLOUD}/kv-pairs"), "metadata.name", with_pairs),
        Place {
            grammars: &["subdomain"],
            ..place(
                &format!("{CLOUD}/cluster-quotas"),
                "metadata.name",
                |name| json!({"metadata": {"name": name}, "spec": {"pods": "1"}}),
            )
        },
        place(
            &format!("{CLOUD}/users"),
            "metadata.name",
            |name| json!({"metadata": {"name": name}}),
        ),
        Place {
            optional: true,
            ..place(&format!("{CLOUD}/user-permissions"), "spec.user", |name| {
                let rule = json!({"user": name, "apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
                json!({"metadata": {"name": "x"}, "spec": rule})
            })
        },
        place(
            &format!("{CLOUD}/user-permissions"),
            "metadata.name",
            |name| {
                let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
                json!({"metadata": {"name": name}, "spec": rule})
            },
        ),
    ]
}

#[tokio::test]
async fn a_hostile_name_in_a_body_is_refused_and_stores_nothing() {
    let server = Server::furnished().await;
    let mut checked = 0;
    for place in places() {
        let before = server.get(&place.path).await.text;
        for row in rows().iter().filter(|row| row.applies_to(place.grammars)) {
            let name = row.name();
            if place.optional && name.is_empty() {
                continue;
            }
            let body = (place.body)(&name).to_string();
            let too_large = body.len() > 1024 * 1024;
            let answer = server.call(Method::POST, &place.path, &[], body).await;
            let shown = format!("{} {}: {answer:.400}", place.field, row.why);
            if too_large {
                assert_eq!(answer.status, 413, "{shown}");
            } else {
                assert_eq!(answer.status, 400, "{shown}");
                assert_eq!(answer.fields(), [place.field], "{shown}");
            }
            assert!(answer.text.len() < 2000, "{shown}");
            checked += 1;
        }
        assert_eq!(server.get(&place.path).await.text, before, "{}", place.path);
    }
    assert!(checked > 3000, "{checked}");
}

/// Every byte percent-encoded, so that nothing of it is taken for a path.
fn encoded(name: &str) -> String {
    let bytes: Vec<String> = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    bytes.concat()
}

#[tokio::test]
async fn a_hostile_name_in_a_path_is_refused_with_the_parameter() {
    let server = Server::furnished().await;
    let templates = [
        ("/v2/projects/{}", "project"),
        ("/v2/cluster-providers/{}", "clusterProvider"),
        ("/v2/cluster-providers/v/clusters/{}", "cluster"),
        ("/v2/projects/{}/logical-clouds/l", "project"),
        ("/v2/projects/p/logical-clouds/{}", "logicalCloud"),
        ("/v2/controllers/{}", "controller"),
        ("/v2/clm-controllers/{}", "controller"),
        (
            "/v2/cluster-providers/v/clusters/c1/labels/{}",
            "clusterLabel",
        ),
        (
            "/v2/cluster-providers/v/clusters/c1/kv-pairs/{}",
            "clusterKv",
        ),
        (
            "/v2/cluster-providers/v/cluster-sync-objects/{}",
            "clusterSyncObject",
        ),
        (
            "/v2/projects/p/logical-clouds/l/kv-pairs/{}",
            "logicalCloudKv",
        ),
        (
            "/v2/projects/p/logical-clouds/l/cluster-references/{}",
            "clusterReference",
        ),
        ("/v2/projects/p/logical-clouds/l/users/{}", "user"),
        ("/v2/projects/p/logical-clouds/l/kubeconfig?user={}", "user"),
        (
            "/v2/projects/p/logical-clouds/l/user-permissions/{}",
            "userPermission",
        ),
        (
            "/v2/projects/p/logical-clouds/l/cluster-providers/{}/cluster-references/c1",
            "clusterProvider",
        ),
        (
            "/v2/projects/p/logical-clouds/l/cluster-providers/v/cluster-references/{}",
            "cluster",
        ),
        ("/v2/projects/p/logical-clouds/{}/status", "logicalCloud"),
        (
            "/v2/projects/p/logical-clouds/l/cluster-references/{}/kubeconfig",
            "clusterReference",
        ),
    ];
    for (template, parameter) in templates {
        for row in rows().iter().filter(|row| row.only.is_empty()) {
            let name = row.name();
            if name.is_empty() || name.len() > 5_000 {
                continue;
            }
            let path = template.replace("{}", &encoded(&name));
            let answer = server.get(&path).await;
            assert_eq!(answer.status, 400, "{template} {}: {answer}", row.why);
            assert_eq!(answer.fields(), [parameter], "{template} {}", row.why);
        }
    }
}

#[tokio::test]
async fn a_path_is_decoded_once() {
    let server = Server::furnished().await;
    assert_eq!(server.get("/v2/projects/%70").await.status, 200);
    assert_eq!(server.get("/v2/projects/%2570").await.status, 400);
    assert_eq!(server.get("/v2/projects/%ff").await.status, 400);
    let both = server.get("/v2/projects/a%20b/logical-clouds/c%20d").await;
    assert_eq!(both.fields(), ["project", "logicalCloud"], "{both}");
}
