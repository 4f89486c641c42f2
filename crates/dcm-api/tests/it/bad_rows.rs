//! Bad input, one file for each kind in `tests/data/bad`, run against the REST interface: each row says what
//! is sent, and which status, which fields and which rule the refusal tells. Nothing is stored by any.
//!
//! In a row, `{"$repeat": ["x", 3]}` stands for `"xxx"`, `$KUBECONFIG` for one that is good, and `$SAMPLE:name` for
//! what `signer.rs` makes under that name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dcm_store::{Query, Scope, Store};
use dcm_types::DocumentKind;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::{Answer, KUBECONFIG, Server};
use crate::signer::sample;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    why: String,
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    text: Option<String>,
    status: u16,
    fields: Vec<String>,
    /// A part of a rule, or of the detail.
    rule: String,
}

impl Row {
    fn sent(&self) -> String {
        match (&self.body, &self.text) {
            (Some(body), _) => {
                let mut body = body.clone();
                fill(&mut body);
                body.to_string()
            }
            (None, Some(text)) => text.replace("$KUBECONFIG", KUBECONFIG),
            (None, None) => String::new(),
        }
    }

    /// What of the answer is not what the row says.
    fn differs(&self, answer: &Answer) -> Option<String> {
        let problem: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        let fields = faults.iter().filter_map(|fault| fault["field"].as_str());
        let mut fields: Vec<&str> = fields.collect();
        let mut wanted: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        fields.sort_unstable();
        wanted.sort_unstable();
        let rules = faults.iter().map(|fault| &fault["rule"]);
        let told = rules.chain([&problem["detail"]]).filter_map(Value::as_str);
        let as_said = answer.status == self.status
            && fields == wanted
            && told.into_iter().any(|told| told.contains(&self.rule))
            && answer.text.len() < 64 * 1024;
        (!as_said).then(|| format!("{answer:.600}"))
    }
}

/// Puts in what would be too long to read in the file.
fn fill(value: &mut Value) {
    match value {
        Value::String(text) if text == "$KUBECONFIG" => KUBECONFIG.clone_into(text),
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("$SAMPLE:") {
                *text = sample(name).to_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::Object(members) => {
            let repeated = members.get("$repeat").and_then(Value::as_array).cloned();
            if let Some([Value::String(text), Value::Number(count)]) = repeated.as_deref() {
                let count = usize::try_from(count.as_u64().unwrap()).unwrap();
                *value = Value::String(text.repeat(count));
                return;
            }
            members.values_mut().for_each(fill);
        }
        _ => {}
    }
}

/// Everything that is stored, with its versions.
pub(crate) async fn everything(store: &dyn Store) -> Vec<String> {
    let mut all = Vec::new();
    for kind in DocumentKind::ALL {
        let query = Query {
            kind,
            scope: Scope::All,
            after: None,
            limit: 10_000,
        };
        let found = store.list(&query).await.unwrap().documents;
        all.extend(
            found
                .into_iter()
                .map(|found| format!("{} {} {}", found.key, found.version.number, found.body)),
        );
    }
    all
}

/// Another project, whose policy lets permissions leave the namespace.
async fn allow_privileged(server: &Server) {
    let rows = [
        (
            "/v2/projects",
            json!({"metadata": {"name": "free"}, "spec": {"policy": {"privileged": "allow"}}}),
        ),
        (
            "/v2/projects/free/logical-clouds",
            json!({"metadata": {"name": "l"}, "spec": {"namespace": "ns3", "user": {"userName": "u"}}}),
        ),
    ];
    for (path, body) in rows {
        let answer = server.post(path, body).await;
        assert_eq!(answer.status, 201, "{path}: {answer}");
    }
}

async fn check(kind: &str, lines: &str, least: usize) {
    let server = Server::furnished().await;
    allow_privileged(&server).await;
    let before = everything(server.store.as_ref()).await;
    let mut wrong = String::new();
    let mut count = 0;
    for (number, line) in lines.lines().enumerate() {
        let row: Row = serde_json::from_str(line)
            .unwrap_or_else(|error| unreachable!("{kind}:{}: {error}", number + 1));
        let headers: Vec<(&str, &str)> = row
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let answer = server.call(method, &row.path, &headers, row.sent()).await;
        if let Some(told) = row.differs(&answer) {
            writeln!(wrong, "{kind}:{} {}\n{told}\n", number + 1, row.why).unwrap();
        }
        let after = everything(server.store.as_ref()).await;
        assert_eq!(
            after,
            before,
            "{kind}:{} {}: something was stored",
            number + 1,
            row.why
        );
        assert!(!row.rule.is_empty(), "{kind}:{} says no rule", number + 1);
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= least, "{kind}: {count} rows of {least}");
    assert_eq!(
        server.nudges().len(),
        2,
        "{kind}: the synchronizer was told of something"
    );
}

/// A test for each file; the number is how many rows it has at least.
macro_rules! files {
    ($($name:ident: $file:literal, $least:literal;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let lines = include_str!(concat!("../data/bad/", $file, ".jsonl"));
                check($file, lines, $least).await;
            }
        )+

        #[test]
        fn every_file_of_bad_input_is_run() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bad");
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            let mut run = vec![$(concat!($file, ".jsonl")),+];
            run.sort_unstable();
            assert_eq!(found, run);
        }
    };
}

files! {
    projects_are_refused: "project", 50;
    providers_are_refused: "provider", 10;
    controllers_are_refused: "controller", 20;
    cluster_manager_controllers_are_refused: "clm-controller", 10;
    clusters_are_refused: "cluster", 30;
    cluster_labels_are_refused: "cluster-label", 12;
    cluster_key_values_are_refused: "cluster-kv", 12;
    sync_objects_are_refused: "sync-object", 8;
    logical_clouds_are_refused: "logical-cloud", 60;
    labels_are_refused: "label", 50;
    references_are_refused: "reference", 15;
    flat_references_are_refused: "flat-reference", 15;
    users_are_refused: "user", 15;
    permissions_are_refused: "permission", 80;
    quotas_are_refused: "quota", 25;
    quantities_are_refused: "quantity", 60;
    key_values_of_logical_clouds_are_refused: "logical-cloud-kv", 10;
    imported_authorities_are_refused: "authority-import", 40;
    signed_authorities_are_refused: "signed-authority", 15;
    queries_are_refused: "query", 50;
    headers_are_refused: "header", 30;
}
