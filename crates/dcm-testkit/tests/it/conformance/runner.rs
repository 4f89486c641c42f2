//! Runs a script against one server.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::alike::Alike;
use super::client::{Answer, Cluster};
use super::script::{Script, Step};

/// Answers by step, made alike.
pub(crate) type Transcript = Vec<(String, Value)>;

/// How long a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(script: &Script, cluster: &Cluster) -> Transcript {
    let mut saved = BTreeMap::new();
    let mut alike = Alike::default();
    let mut transcript = Vec::new();
    for step in &script.steps {
        if step.send == "RESTART" {
            cluster.restart();
            continue;
        }
        let mut performed = perform(step, cluster, &saved).await;
        let answer = performed["answer"].take();
        for (name, pointer) in &step.save {
            let value = answer.pointer(&format!("/body{pointer}"));
            let text = value.and_then(Value::as_str);
            saved.insert(name.clone(), text.unwrap_or("(nothing)").to_owned());
        }
        let mut seen = alike.make(&answer);
        for pointer in step.ignore.keys() {
            take(&mut seen, &format!("/body{pointer}"));
        }
        if !step.only.is_empty() {
            let pick = |pointer: &String| {
                (
                    pointer.clone(),
                    seen.pointer(&format!("/body{pointer}")).cloned(),
                )
            };
            let picked = step.only.iter().map(pick);
            let picked = picked
                .map(|(pointer, value)| (pointer, value.unwrap_or_default()))
                .collect();
            seen = json!({ "status": seen["status"], "body": Value::Object(picked) });
        }
        // A condition that never holds is an answer too: one that no server may give.
        seen["held"] = if performed["held"] == true {
            json!(true)
        } else {
            json!(format!("never, at {}", cluster.name))
        };
        transcript.push((step.name.clone(), seen));
    }
    transcript
}

async fn perform(step: &Step, cluster: &Cluster, saved: &BTreeMap<String, String>) -> Value {
    let send = fill(&step.send, saved);
    let (method, path) = send.split_once(' ').expect("method and path");
    let body: Value = match &step.body {
        Value::Null => Value::Null,
        body => serde_json::from_str(&fill(&body.to_string(), saved)).unwrap(),
    };
    let token = (step.user == "token").then(|| saved["token"].as_str());
    let started = Instant::now();
    loop {
        let answer = cluster
            .send(&step.user, token, (method, path), (&step.media_type, &body))
            .await;
        let answer = value(&answer, path.contains("watch=1"));
        let holds = step.until.iter().all(|(pointer, wanted)| {
            let place = if pointer == "status" {
                "/status".to_owned()
            } else {
                format!("/body{pointer}")
            };
            answer.pointer(&place).unwrap_or(&Value::Null) == wanted
        });
        if holds || started.elapsed() > PATIENCE {
            return json!({ "held": holds, "answer": answer });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Status and body as one value. A watch is a list of events, without bookmarks, which come at any time.
fn value(answer: &Answer, is_watch: bool) -> Value {
    let body = if is_watch && answer.status == 200 {
        let lines = answer
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let events = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        events.filter(|event| event["type"] != "BOOKMARK").collect()
    } else {
        let text = || json!(String::from_utf8_lossy(&answer.body).trim());
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| text())
    };
    json!({ "status": answer.status, "retryAfter": answer.retry_after, "body": body })
}

fn fill(text: &str, saved: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in saved {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    text
}

/// Removes a place. `*` stands for every item of a list or member of a map.
fn take(value: &mut Value, pointer: &str) {
    let Some((first, rest)) = pointer.trim_start_matches('/').split_once('/') else {
        let last = pointer.trim_start_matches('/').replace("~1", "/");
        if let Some(map) = value.as_object_mut() {
            map.remove(&last);
        }
        return;
    };
    match (first, value) {
        ("*", Value::Array(items)) => items.iter_mut().for_each(|item| take(item, rest)),
        ("*", Value::Object(map)) => map.values_mut().for_each(|item| take(item, rest)),
        (index, Value::Array(items)) => {
            if let Some(item) = index
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index))
            {
                take(item, rest);
            }
        }
        (name, Value::Object(map)) => {
            if let Some(inner) = map.get_mut(name) {
                take(inner, rest);
            }
        }
        _ => {}
    }
}
