//! The same script against simulated and real API servers of two minor versions: every answer must be the same.
//!
//! The script is data (`tests/data/conformance/*.json`), so that a step costs some lines: see `script.rs` for what
//! a step may say. What differs by nature (uids, times, versions of objects) is made alike by `alike.rs`.

mod alike;
mod client;
mod runner;
mod script;

use dcm_testkit::{Assets, ControlPlane};
use futures::future::join_all;
use serde_json::Value;

use client::Cluster;
use runner::{Transcript, run};
use script::Script;

/// Differences that are shown before the rest is only counted.
const SHOWN: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_a_real_server() {
    compare(Assets::obtain().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_a_real_server_of_the_previous_version() {
    compare(Assets::obtain_previous().unwrap()).await;
}

async fn compare(assets: Assets) {
    let start = move || {
        let plane = ControlPlane::start_with(&assets).unwrap();
        let version = plane.version().unwrap();
        (plane, version)
    };
    let (plane, version) = tokio::task::spawn_blocking(start).await.unwrap();
    let simulated = client::simulated(&version).await;
    let real = Cluster::real(plane);
    let (last, scripts): (Vec<_>, Vec<_>) = script::all().into_iter().partition(Script::restarts);
    let one_by_one = async |script| both(script, &simulated.cluster, &real).await;
    let mut outcomes = join_all(scripts.iter().map(one_by_one)).await;
    for script in &last {
        outcomes.push(both(script, &simulated.cluster, &real).await);
    }
    let steps: usize = outcomes.iter().map(|(steps, _)| steps).sum();
    let differences: Vec<String> = outcomes.into_iter().flat_map(|(_, found)| found).collect();
    assert!(steps > 300, "the script has only {steps} steps");
    let shown: Vec<&str> = differences.iter().take(SHOWN).map(String::as_str).collect();
    assert!(
        differences.is_empty(),
        "{version}: {} differences in {steps} steps\n{}",
        differences.len(),
        shown.join("\n")
    );
}

/// How many steps a script has, and where the answers to them differ.
async fn both(script: &Script, simulated: &Cluster, real: &Cluster) -> (usize, Vec<String>) {
    let (one, other) = tokio::join!(run(script, simulated), run(script, real));
    (other.len(), differ(&script.name, &one, &other))
}

/// Where two transcripts are not the same.
fn differ(script: &str, simulated: &Transcript, real: &Transcript) -> Vec<String> {
    let mut found = Vec::new();
    assert_eq!(simulated.len(), real.len());
    for ((step, one), (_, other)) in simulated.iter().zip(real) {
        let mut places = Vec::new();
        compare_values("", one, other, &mut places);
        if one["status"] != other["status"] {
            // The rest follows from it.
            let text =
                |answer: &Value| format!("{} {}", answer["status"], answer["body"]["message"]);
            places = vec![format!("simulated {}, real {}", text(one), text(other))];
        }
        found.extend(
            places
                .into_iter()
                .map(|place| format!("{script}: {step}: {place}")),
        );
    }
    found
}

fn compare_values(place: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<_> = a.keys().chain(b.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let place = format!("{place}/{name}");
                match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => compare_values(&place, a, b, found),
                    (Some(a), None) => found.push(format!("{place}: simulated only: {a}")),
                    (None, Some(b)) => found.push(format!("{place}: real only: {b}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare_values(&format!("{place}/{index}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{place}:\n  simulated {a}\n  real      {b}")),
    }
}

#[test]
fn a_difference_is_told_with_its_place() {
    let (one, other) = (
        serde_json::json!({ "a": [1, { "b": 2 }] }),
        serde_json::json!({ "a": [1, { "b": 3, "c": 4 }] }),
    );
    let mut found = Vec::new();
    compare_values("", &one, &other, &mut found);
    assert_eq!(found.len(), 2);
    assert!(
        found[0].starts_with("/a/1/b:") && found[1].starts_with("/a/1/c: real only"),
        "{found:?}"
    );
}
