//! Waiting for a logical cloud: what is said meanwhile, and how it ends.

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::fake_server::{FakeServer, Prepared};

const STATUS: &str = "GET /v2/projects/p/logical-clouds/slice/status";

fn status(wish: &str, state: &str, ready: bool, absent: bool) -> Value {
    json!({
        "project": "p", "name": "slice", "generation": {"wanted": 2}, "wish": wish,
        "ready": ready, "absent": absent, "history": [], "at": "2026-01-02T03:04:05Z",
        "members": [{"clusterProvider": "edges", "cluster": "oslo", "state": state,
                     "appliedGeneration": 2, "ageSeconds": 0, "objects": [],
                     "conditions": [{"type": "quota", "status": "progressing", "reason": "Waiting",
                                     "message": "waiting for the quota to be in force",
                                     "since": "2026-01-02T03:04:05Z", "ageSeconds": 1}]}]
    })
}

fn talking_to(answers: Vec<Prepared>) -> (Environment, FakeServer) {
    let server = FakeServer::start(answers);
    let mut environment = Environment::new();
    environment.talk_to(&server.url);
    (environment, server)
}

/// Elapsed times differ from run to run.
fn without_times(text: &str) -> String {
    text.lines()
        .map(|line| match line.trim_start().split_once("s  ") {
            Some((time, rest)) if time.parse::<f64>().is_ok() => format!("[time]  {rest}"),
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn instantiate_waits_until_every_member_is_ready() {
    let (environment, server) = talking_to(vec![
        Prepared::json(
            "POST /v2/projects/p/logical-clouds/slice/instantiate",
            "202 Accepted",
            &json!({"generation": 2, "wish": "present"}),
        ),
        Prepared::json(
            STATUS,
            "200 OK",
            &status("present", "progressing", false, false),
        ),
        Prepared::json(
            STATUS,
            "200 OK",
            &status("present", "progressing", false, false),
        ),
        Prepared::json(STATUS, "200 OK", &status("present", "ready", true, false)),
    ]);
    let outcome = environment.dcm(&["lc", "instantiate", "slice", "-p", "p", "--wait"]);
    insta::assert_snapshot!(without_times(&outcome.shown()), @r"
    exit 0
    --- stdout
    p/slice  present  generation 2  1 of 1 ready

    CLUSTER     STATE  GEN  MEMBER  NS  QUOTA  NET  ACCESS  AGE  MESSAGE
    edges/oslo  ready  2/2  -       -   …      -    -       0s   quota: waiting for the quota to be in force
    --- stderr
    instantiate of 'slice' accepted: generation 2
    [time]  edges/oslo progressing: quota: waiting for the quota to be in force
    [time]  edges/oslo ready: quota: waiting for the quota to be in force
    ");
    let asked = server.requests();
    assert_eq!(asked[1], STATUS);
    assert!(
        asked[2].starts_with(&format!("{STATUS}?wait=ready&timeout=")),
        "{}",
        asked[2]
    );
}

#[test]
fn end_of_patience_is_exit_code_three_with_the_last_status() {
    let (environment, _server) = talking_to(vec![Prepared::json(
        STATUS,
        "200 OK",
        &status("present", "progressing", false, false),
    )]);
    let arguments = [
        "lc",
        "status",
        "slice",
        "-p",
        "p",
        "--wait",
        "--timeout",
        "200ms",
    ];
    let outcome = environment.dcm(&arguments);
    insta::assert_snapshot!(without_times(&outcome.shown()), @r"
    exit 3
    --- stdout
    p/slice  present  generation 2  0 of 1 ready

    CLUSTER     STATE        GEN  MEMBER  NS  QUOTA  NET  ACCESS  AGE  MESSAGE
    edges/oslo  progressing  2/2  -       -   …      -    -       0s   quota: waiting for the quota to be in force
    --- stderr
    [time]  edges/oslo progressing: quota: waiting for the quota to be in force
    error: timed out after 200ms: logical cloud 'slice': 0 of 1 ready
    hint: work goes on: `dcm logical-cloud status` shows it; --timeout waits longer
    ");
}

#[test]
fn cloud_that_vanishes_while_it_is_terminated_is_done() {
    let (environment, _server) = talking_to(vec![
        Prepared::json(
            "POST /v2/projects/p/logical-clouds/slice/terminate",
            "202 Accepted",
            &json!({"generation": 2, "wish": "absent"}),
        ),
        Prepared::json(
            STATUS,
            "200 OK",
            &status("absent", "terminating", false, false),
        ),
        Prepared::json(
            STATUS,
            "404 Not Found",
            &json!({"type": "urn:dcm:problem:not-found", "title": "not found", "status": 404,
                    "detail": "there is no such logical cloud"}),
        ),
    ]);
    let outcome = environment
        .dcm(&["lc", "terminate", "slice", "-p", "p", "--wait"])
        .done();
    assert!(
        outcome
            .stderr
            .ends_with("nothing of it is left, and it is deleted\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn older_generation_that_is_ready_is_not_what_was_asked_for() {
    let (environment, _server) = talking_to(vec![
        Prepared::json(
            "POST /v2/projects/p/logical-clouds/slice/update",
            "202 Accepted",
            &json!({"generation": 3, "wish": "present"}),
        ),
        Prepared::json(STATUS, "200 OK", &status("present", "ready", true, false)),
    ]);
    let arguments = [
        "lc",
        "update",
        "slice",
        "-p",
        "p",
        "--wait",
        "--timeout",
        "100ms",
    ];
    assert_eq!(environment.dcm(&arguments).code, 3);
}

#[test]
fn degraded_member_is_exit_code_three() {
    let (environment, _server) = talking_to(vec![Prepared::json(
        STATUS,
        "200 OK",
        &status("present", "unreachable", false, false),
    )]);
    let outcome = environment.dcm(&["lc", "status", "slice", "-p", "p", "-o", "json"]);
    assert_eq!(outcome.code, 3);
    assert_eq!(outcome.json()["members"][0]["state"], "unreachable");
    assert!(
        outcome
            .stderr
            .starts_with("error: logical cloud 'slice' is degraded: edges/oslo is unreachable\n"),
        "{}",
        outcome.stderr
    );
}
