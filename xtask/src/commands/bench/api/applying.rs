//! One list of documents in one commit: 100 cluster references of a logical cloud.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::statistics::{largest, median};
use crate::http::Connection;

const REFERENCES: usize = 100;
/// Logical clouds that are given so many references, one after the other.
const CLOUDS: usize = 30;
const LIMIT: f64 = 50.0;

pub(super) fn measure(server: SocketAddr) -> Result<[Figure; 2]> {
    let mut connection = Connection::open(server)?;
    let mut apply = |entries: &[Value]| -> Result<f64> {
        let body = Value::from(entries).to_string();
        let sent = Instant::now();
        let answer = connection.send("POST", "/v2/apply", &body)?;
        let took = sent.elapsed().as_secs_f64() * 1e3;
        ensure!(
            answer.status == 200,
            "POST /v2/apply: {}: {}",
            answer.status,
            answer.body
        );
        Ok(took)
    };
    // Clusters behind a repository: nobody tries to reach them.
    let git = json!({ "gitOps": { "gitOpsType": "fluxcd" } });
    let clusters = (0..REFERENCES).map(|number| {
        let path = "cluster-providers/repositories/clusters";
        entry(path, &format!("site-{number}"), Some(&git))
    });
    let provider = entry("cluster-providers", "repositories", None);
    let all: Vec<Value> = std::iter::once(provider).chain(clusters).collect();
    apply(&all)?;
    let mut times = Vec::new();
    for number in 0..CLOUDS {
        let cloud = format!("applied-{number}");
        apply(&[entry(
            "projects/bench/logical-clouds",
            &cloud,
            Some(&json!({})),
        )])?;
        let path = format!("projects/bench/logical-clouds/{cloud}/cluster-references");
        let references: Vec<Value> = (0..REFERENCES)
            .map(|number| {
                let cluster = format!("site-{number}");
                let spec = json!({ "clusterProvider": "repositories", "cluster": cluster });
                entry(&path, &cluster, Some(&spec))
            })
            .collect();
        times.push(apply(&references)?);
    }
    let what = format!("apply {REFERENCES} cluster references");
    let figure =
        |share: &str, value| Figure::new(format!("{what}: {share}"), Unit::Milliseconds, value);
    Ok([
        figure("median", median(&times)),
        figure("slowest", largest(&times)).at_most(LIMIT),
    ])
}

fn entry(path: &str, name: &str, spec: Option<&Value>) -> Value {
    let mut document = json!({ "metadata": { "name": name } });
    if let Some(spec) = spec {
        document["spec"] = spec.clone();
    }
    json!({ "path": path, "document": document })
}
