//! Tests of the status table, with a status as the server writes it.

use serde_json::json;

use super::*;

fn example() -> StatusView {
    serde_json::from_value(json!({
        "project": "demo", "name": "slice", "generation": {"wanted": 3}, "wish": "present",
        "ready": false, "absent": false, "history": [], "at": "2026-01-02T03:04:05Z",
        "members": [
            {"clusterProvider": "edges", "cluster": "berlin", "reference": "edges-berlin",
             "state": "ready", "appliedGeneration": 3, "ageSeconds": 2, "objects": [],
             "conditions": [condition("member", "true", "Reachable", ""),
                            condition("namespace", "true", "Exists", ""),
                            condition("quota", "true", "InForce", ""),
                            condition("isolation", "true", "Exists", ""),
                            condition("access", "true", "Issued", "")]},
            {"clusterProvider": "edges", "cluster": "oslo", "state": "blocked",
             "appliedGeneration": 2, "ageSeconds": 75, "objects": [],
             "conditions": [condition("member", "true", "Reachable", ""),
                            {"type": "namespace", "status": "blocked", "reason": "Conflict",
                             "message": "namespace 'slice' is not ours\u{1b}[31m",
                             "hint": "choose another namespace",
                             "since": "2026-01-02T03:04:05Z", "ageSeconds": 70},
                            condition("quota", "progressing", "Waiting", "")]},
            {"clusterProvider": "edges", "cluster": "turin", "state": "unreachable",
             "objects": [], "conditions": [condition("member", "unknown", "Timeout", "")],
             "lastError": {"category": "timeout", "message": "no answer within 10 s",
                           "hint": "check the network", "at": "2026-01-02T03:04:05Z",
                           "attempts": 4}}
        ]
    }))
    .unwrap()
}

fn condition(track: &str, status: &str, reason: &str, message: &str) -> serde_json::Value {
    json!({"type": track, "status": status, "reason": reason, "message": message,
           "since": "2026-01-02T03:04:05Z", "ageSeconds": 1})
}

#[test]
fn each_member_has_a_row_with_a_mark_per_track() {
    insta::assert_snapshot!(render(&example(), Palette::new(false)), @r"
    demo/slice  present  generation 3  1 of 3 ready

    CLUSTER       STATE        GEN  MEMBER  NS  QUOTA  NET  ACCESS  AGE    MESSAGE
    edges/berlin  ready        3/3  ✔       ✔   ✔      ✔    ✔       2s     -
    edges/oslo    blocked      2/3  ✔       ✘   …      -    -       1m15s  namespace: namespace 'slice' is not ours�[31m
    edges/turin   unreachable  -/3  ?       -   -      -    -       -      no answer within 10 s (attempt 4)

    hint: edges/oslo: choose another namespace
    hint: edges/turin: check the network
    ");
}

#[test]
fn cloud_before_its_first_action_says_so() {
    let mut status = example();
    status.wish = None;
    status.members.clear();
    insta::assert_snapshot!(render(&status, Palette::new(false)), @"demo/slice  never instantiated");
}

#[test]
fn member_that_needs_somebody_is_degraded() {
    let told = super::super::degraded(&example()).unwrap_err().to_string();
    assert_eq!(
        told,
        "logical cloud 'slice' is degraded: edges/oslo is blocked, edges/turin is unreachable"
    );
    let mut healthy = example();
    healthy.members.truncate(1);
    assert!(super::super::degraded(&healthy).is_ok());
}

#[test]
fn usage_of_quotas_is_shown_for_all_and_for_each() {
    let quota = |used: &str, hard: &str| json!([{"name": "q", "hard": {"limits.cpu": hard, "pods": "5"}, "used": {"limits.cpu": used}}]);
    let read = |value| serde_json::from_value(value).unwrap();
    let mut status = example();
    status.quotas = read(quota("1500m", "4"));
    status.members.truncate(2);
    status.members[0].quotas = read(quota("1", "2"));
    status.members[1].quotas = read(quota("500m", "2"));
    let shown = quota_rows(&status, Palette::new(false)).join("\n");
    insta::assert_snapshot!(shown, @r"
    QUOTA  RESOURCE    CLUSTER       USED   HARD
    q      limits.cpu  (all)         1500m  4
    q      limits.cpu  edges/berlin  1      2
    q      limits.cpu  edges/oslo    500m   2
    q      pods        (all)         -      5
    q      pods        edges/berlin  -      5
    q      pods        edges/oslo    -      5
    ");
    status.members.truncate(1);
    assert!(
        !quota_rows(&status, Palette::new(false))
            .join("\n")
            .contains("(all)")
    );
}

#[test]
fn quotas_without_limits_yet_have_no_table() {
    let mut status = example();
    let quotas = json!([{"name": "q", "hard": {}, "used": {}}]);
    status.quotas = serde_json::from_value(quotas).unwrap();
    assert!(quota_rows(&status, Palette::new(false)).is_empty());
}

#[test]
fn stopped_cloud_says_so() {
    let mut status = example();
    status.members.truncate(1);
    status.members[0].state = MemberStateView::Paused;
    status.paused_since = Some("2026-01-02T03:04:05Z".parse().unwrap());
    let line = headline(&status, Palette::new(false));
    assert_eq!(
        line,
        "demo/slice  present  generation 3  0 of 1 ready  stopped"
    );
    assert!(super::super::degraded(&status).is_ok());
}

#[test]
fn privileged_cloud_says_so() {
    let mut status = example();
    status.members.truncate(1);
    status.privileged = true;
    let line = headline(&status, Palette::new(false));
    assert_eq!(
        line,
        "demo/slice  present  generation 3  1 of 1 ready  privileged"
    );
}
