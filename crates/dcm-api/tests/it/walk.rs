//! Every operation of the `OpenAPI` document, at least once: coverage by construction. Each answer must
//! have a status and a media type that the document tells for its operation.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::described::Description;
use crate::server::{Answer, Server, new_cluster};
use crate::signer::{Signer, sample};

const PROJECT: &str = "/v2/projects/{project}";
const PROVIDER: &str = "/v2/cluster-providers/{clusterProvider}";
const CLOUD: &str = "/v2/projects/{project}/logical-clouds/{logicalCloud}";

/// Operations that no step calls. It is there to stay empty: a new operation gets its steps here.
const UNCOVERED: &str = include_str!("../data/uncovered_operations.json");

/// Stands for a body that answers the certificate request of its scope.
const SIGNED: &str = "$SIGNED";

const NO_TOMBSTONE: &str = "00000000-0000-4000-8000-000000000000";

/// One call: operation, values of the path in order, body, expected status.
struct Step {
    method: Method,
    template: String,
    values: Vec<&'static str>,
    body: Value,
    status: u16,
}

impl Step {
    fn path(&self) -> String {
        let mut values = self.values.iter();
        let parts: Vec<&str> = self
            .template
            .split('/')
            .map(|part| match part.strip_prefix('{') {
                Some(_) => values.next().unwrap(),
                None => part,
            })
            .collect();
        assert_eq!(values.next(), None, "{}", self.template);
        parts.join("/")
    }
}

fn step(method: Method, template: &str, values: &[&'static str], body: Value, status: u16) -> Step {
    Step {
        method,
        template: template.to_owned(),
        values: values.to_vec(),
        body,
        status,
    }
}

fn get(template: &str, values: &[&'static str], status: u16) -> Step {
    step(Method::GET, template, values, Value::Null, status)
}

fn delete(template: &str, values: &[&'static str], status: u16) -> Step {
    step(Method::DELETE, template, values, Value::Null, status)
}

/// A collection and its items, each with all of their verbs; one item is left.
fn life(
    list: &str,
    item: &str,
    parents: &[&'static str],
    parameter: &str,
    body: &Value,
) -> Vec<Step> {
    let one = format!("{list}/{{{parameter}}}");
    let with = |name: &'static str| [parents, &[name]].concat();
    let mut named = body.clone();
    named["metadata"]["name"] = json!(item);
    vec![
        step(Method::POST, list, parents, named, 201),
        get(list, parents, 200),
        step(Method::PUT, &one, &with("second"), body.clone(), 201),
        step(Method::PUT, &one, &with("second"), body.clone(), 200),
        get(&one, &with("second"), 200),
        get(&one, &with("none"), 404),
        delete(&one, &with("second"), 204),
        delete(&one, &with("second"), 404),
    ]
}

fn groundwork() -> Vec<Step> {
    let mut steps = vec![
        get("/healthz", &[], 200),
        get("/readyz", &[], 200),
        get("/v2/openapi.json", &[], 200),
        get("/docs", &[], 200),
        get("/docs/{asset}", &["swagger-ui.css"], 200),
        get("/docs/{asset}", &["index.html"], 404),
    ];
    steps.extend(life("/v2/projects", "p", &[], "project", &json!({})));
    steps.extend(life(
        "/v2/cluster-providers",
        "v",
        &[],
        "clusterProvider",
        &json!({}),
    ));
    let clusters = format!("{PROVIDER}/clusters");
    let cluster = json!({"spec": new_cluster("x")["spec"]});
    steps.extend(life(&clusters, "c1", &["v"], "cluster", &cluster));
    steps.push(step(
        Method::POST,
        &clusters,
        &["v"],
        new_cluster("c2"),
        201,
    ));
    steps.extend(beside_clusters());
    let clouds = format!("{PROJECT}/logical-clouds");
    let cloud = json!({"spec": {"user": {"userName": "u"}}});
    steps.extend(life(&clouds, "l", &["p"], "logicalCloud", &cloud));
    steps
}

fn beside_clusters() -> Vec<Step> {
    let pairs = json!({"spec": {"kv": [{"a": "b"}]}});
    let of_cluster = format!("{PROVIDER}/clusters/{{cluster}}/kv-pairs");
    let mut steps = life(&of_cluster, "k", &["v", "c1"], "clusterKv", &pairs);
    let objects = format!("{PROVIDER}/cluster-sync-objects");
    steps.extend(life(&objects, "o", &["v"], "clusterSyncObject", &pairs));
    let labels = format!("{PROVIDER}/clusters/{{cluster}}/labels");
    let one = format!("{labels}/{{clusterLabel}}");
    let (cluster, label) = (["v", "c1"], ["v", "c1", "x"]);
    let body = json!({"clusterLabel": "x", "metadata": {"name": ""}});
    steps.extend([
        step(Method::POST, &labels, &cluster, body.clone(), 201),
        step(Method::POST, &labels, &cluster, body.clone(), 409),
        step(Method::PUT, &one, &label, body, 200),
        get(&labels, &cluster, 200),
        get(&one, &label, 200),
        delete(&format!("{PROVIDER}/clusters/{{cluster}}"), &cluster, 409),
        delete(&one, &label, 204),
        delete(&one, &label, 404),
    ]);
    let controller = json!({"spec": {"host": "h", "port": 1}});
    for list in ["/v2/controllers", "/v2/clm-controllers"] {
        steps.extend(life(list, "c", &[], "controller", &controller));
    }
    steps
}

fn slice() -> Vec<Step> {
    let cloud = ["p", "l"];
    let quota = json!({"spec": {"pods": "1"}});
    let mut steps = life(
        &format!("{CLOUD}/cluster-quotas"),
        "q",
        &cloud,
        "clusterQuota",
        &quota,
    );
    let user = json!({"spec": {"type": "certificate"}});
    steps.extend(life(
        &format!("{CLOUD}/users"),
        "ann",
        &cloud,
        "user",
        &user,
    ));
    // A user who keeps their key: the answer says what is waited for, and another subject is refused.
    let keeping = json!({"metadata": {"name": "kit"}, "spec": {"type": "signing-request"}});
    let foreign =
        json!({"metadata": {"name": "kit"}, "spec": {"csr": include_str!("../data/foreign.csr")}});
    let (users, kit) = (format!("{CLOUD}/users"), ["p", "l", "kit"]);
    let user = format!("{users}/{{user}}");
    steps.extend([
        step(Method::POST, &users, &cloud, keeping, 201),
        get(&user, &kit, 200),
        step(Method::PUT, &user, &kit, foreign, 400),
        delete(&user, &kit, 204),
    ]);
    let revoke = format!("{CLOUD}/users/{{user}}/revoke");
    let none = ["p", "l", "nobody"];
    steps.extend([
        step(Method::POST, &revoke, &["p", "l", "u"], Value::Null, 202),
        step(Method::POST, &revoke, &none, Value::Null, 404),
    ]);
    let rule = json!({"spec": {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}});
    let permissions = format!("{CLOUD}/user-permissions");
    steps.extend(life(&permissions, "r", &cloud, "userPermission", &rule));
    let free = json!({"spec": {"kv": [{"a": {"b": [1]}}]}});
    let pairs = format!("{CLOUD}/kv-pairs");
    steps.extend(life(&pairs, "k", &cloud, "logicalCloudKv", &free));
    let references = format!("{CLOUD}/cluster-references");
    let one = format!("{references}/{{clusterReference}}");
    let first =
        json!({"metadata": {"name": "r1"}, "spec": {"clusterProvider": "v", "cluster": "c1"}});
    let second = json!({"spec": {"clusterProvider": "v", "cluster": "c2"}});
    steps.extend([
        step(Method::POST, &references, &cloud, first.clone(), 201),
        step(Method::POST, &references, &cloud, first, 409),
        get(&references, &cloud, 200),
        step(Method::PUT, &one, &["p", "l", "r2"], second, 201),
        get(&one, &["p", "l", "r2"], 200),
        delete(&one, &["p", "l", "r2"], 204),
    ]);
    let flat = format!("{CLOUD}/cluster-providers/{{clusterProvider}}/cluster-references");
    let one = format!("{flat}/{{cluster}}");
    let address = json!({"loadbalancer-ip": "192.0.2.1"});
    steps.extend([
        step(Method::PUT, &one, &["p", "l", "v", "c2"], address, 200),
        get(&one, &["p", "l", "v", "c2"], 200),
        get(&flat, &["p", "l", "v"], 200),
        delete(&one, &["p", "l", "v", "c2"], 204),
    ]);
    steps
}

/// What others made and signed; the body of what is `signed` is made of the request that the server gives.
fn foreign_authorities() -> Vec<Step> {
    let (of_cloud, cloud) = (format!("{CLOUD}/ca"), ["p", "l"]);
    let import = json!({"certificate": sample("root"), "key": sample("root key")});
    let other = json!({"certificate": sample("root"), "key": sample("key")});
    let mut steps = Vec::new();
    for (scope, values) in [("/v2/ca", &[][..]), (of_cloud.as_str(), &cloud[..])] {
        let (importing, signed) = (format!("{scope}/import"), format!("{scope}/signed"));
        steps.extend([
            step(Method::POST, &importing, values, other.clone(), 400),
            step(Method::POST, &signed, values, json!(SIGNED), 200),
            step(Method::POST, &signed, values, json!({}), 400),
        ]);
        // The organisation's number is used; the cloud is rotating to it.
        let again = if values.is_empty() { 400 } else { 409 };
        steps.push(step(Method::POST, &importing, values, import.clone(), 200));
        steps.push(step(
            Method::POST,
            &importing,
            values,
            import.clone(),
            again,
        ));
    }
    steps
}

/// Without bundles there is an authority only once a request is asked for.
fn authorities() -> Vec<Step> {
    let cloud = ["p", "l"];
    let ca = format!("{CLOUD}/ca");
    let rotation = format!("{ca}/rotation");
    let edge = format!("{ca}/cluster-providers/{{clusterProvider}}/clusters/{{cluster}}/revoke");
    let act = |path: &str, status| step(Method::POST, path, &cloud, Value::Null, status);
    vec![
        get(&ca, &cloud, 404),
        act(&rotation, 400),
        act(&format!("{ca}/request"), 202),
        get(&ca, &cloud, 200),
        get(&rotation, &cloud, 404),
        act(&format!("{rotation}/abort"), 409),
        step(
            Method::POST,
            &edge,
            &["p", "l", "v", "c1"],
            Value::Null,
            404,
        ),
        get(&format!("{ca}/audit"), &cloud, 200),
        get("/v2/ca", &[], 404),
        step(Method::POST, "/v2/ca/request", &[], Value::Null, 202),
        get("/v2/ca", &[], 200),
        get("/v2/ca/audit", &[], 200),
    ]
}

fn life_of_the_cloud() -> Vec<Step> {
    let cloud = ["p", "l"];
    let action_of = |name: &str, status: u16| {
        let path = format!("{CLOUD}/{name}");
        step(Method::POST, &path, &cloud, json!({}), status)
    };
    let action = |name: &str| action_of(name, 202);
    let member = format!("{CLOUD}/cluster-references/{{clusterReference}}/kubeconfig");
    let credential = format!("{CLOUD}/cluster-references/{{clusterReference}}/credential");
    vec![
        get(&format!("{CLOUD}/status"), &cloud, 200),
        action("instantiate"),
        action("apply"),
        action("update"),
        action("stop"),
        get(&format!("{CLOUD}/status/stream"), &["p", "none"], 404),
        get(&format!("{CLOUD}/status"), &cloud, 200),
        get(&format!("{CLOUD}/kubeconfig"), &cloud, 409),
        get(&member, &["p", "l", "r1"], 409),
        get(&credential, &["p", "l", "r1"], 409),
        delete(CLOUD, &cloud, 409),
        action("terminate"),
        delete(CLOUD, &cloud, 202),
        step(
            Method::POST,
            "/v2/apply",
            &[],
            json!([{"path": "projects/p", "document": {}}]),
            200,
        ),
        step(
            Method::POST,
            "/v2/apply",
            &[],
            json!([{"path": "projects"}]),
            400,
        ),
        // No member is ahead, nothing is left, and this synchronizer says nothing of itself.
        action_of("adopt-generation", 400),
        get("/v2/tombstones", &[], 200),
        get("/v2/tombstones/{tombstone}", &[NO_TOMBSTONE], 404),
        delete("/v2/tombstones/{tombstone}", &[NO_TOMBSTONE], 404),
        step(
            Method::POST,
            &format!("{PROVIDER}/clusters/{{cluster}}/probe"),
            &["v", "c1"],
            Value::Null,
            202,
        ),
        get("/v2/sync/status", &[], 503),
        get("/metrics", &[], 200),
    ]
}

/// Whether the document tells this status, with the media type and the form of the answer.
fn assert_told(description: &Description, step: &Step, answer: &Answer, shown: &str) {
    let operation = description.operation(&step.method, &step.template);
    let told = description.resolved(&operation["responses"][answer.status.as_str()]);
    assert!(told.is_object(), "the document does not tell of {shown}");
    let media_type = answer
        .header("content-type")
        .map(|text| text.split(';').next().unwrap());
    match (told["content"].as_object(), media_type) {
        (None, None) => {}
        (Some(content), Some(media_type)) => {
            let content = content.get(media_type);
            let content = content.unwrap_or_else(|| unreachable!("{shown}"));
            if media_type.ends_with("json") {
                let faults = description.faults(&content["schema"], &answer.json());
                assert!(faults.is_empty(), "{faults:?}: {shown}");
            }
        }
        (told, _) => unreachable!("{shown}: told {told:?}"),
    }
}

#[tokio::test]
async fn every_operation_of_the_document_answers_as_told() {
    let description = Description::new();
    let server = Server::new();
    let mut walked = BTreeSet::new();
    let steps = [
        groundwork(),
        slice(),
        authorities(),
        foreign_authorities(),
        life_of_the_cloud(),
    ];
    let signer = Signer::new("others");
    for step in steps.into_iter().flatten() {
        let path = step.path();
        let body = match (&step.body, path.strip_suffix("/ca/signed")) {
            (Value::Null, _) => String::new(),
            (Value::String(text), Some(scope)) if text == SIGNED => {
                signer.signed(&server, scope).await.to_string()
            }
            (body, _) => body.to_string(),
        };
        let answer = server.call(step.method.clone(), &path, &[], body).await;
        let shown = format!("{} {path}: {answer}", step.method);
        assert_eq!(answer.status, step.status, "{shown}");
        assert_told(&description, &step, &answer, &shown);
        let operation = description.operation(&step.method, &step.template);
        walked.extend(operation["operationId"].as_str().map(str::to_owned));
    }
    let all: BTreeSet<String> = description
        .operations()
        .map(|described| described.id().to_owned())
        .collect();
    let uncovered: BTreeSet<String> = serde_json::from_str(UNCOVERED).unwrap();
    let missed: BTreeSet<String> = all.difference(&walked).cloned().collect();
    assert_eq!(missed, uncovered, "operations that no step calls");
}
