//! The envelope of permissions, row by row (T14, T18, T19).

use dcm_types::permission::{Extent, Rule, check_sum};
use proptest::prelude::*;

struct Row {
    line: &'static str,
    /// The field that must be named; `None`: the rule is inside the envelope.
    refused: Option<&'static str>,
    rule: Rule,
    extent: Extent,
}

/// `expectation | apiGroups | resources | verbs [| cluster]`; entries are separated by spaces, `core` is the empty
/// group, `-` is an empty list.
fn rows() -> Vec<Row> {
    include_str!("../data/permissions.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let (columns, extent) = match parts[..] {
                [ref columns @ .., "cluster"] => (columns, Extent::Cluster),
                ref columns => (columns, Extent::Namespace),
            };
            let &[expectation, groups, resources, verbs] = columns else {
                unreachable!("four columns: {line}")
            };
            let list = |text: &str| -> Vec<String> {
                text.split_whitespace()
                    .filter(|entry| *entry != "-")
                    .map(|entry| entry.replace("core", "").replace("\\n", "\n"))
                    .collect()
            };
            Row {
                line,
                refused: (expectation != "ok").then_some(expectation),
                rule: Rule {
                    api_groups: list(groups),
                    resources: list(resources),
                    verbs: list(verbs),
                },
                extent,
            }
        })
        .collect()
}

#[test]
fn every_row_is_judged_and_the_field_is_named() {
    let rows = rows();
    for extent in [Extent::Namespace, Extent::Cluster] {
        let count = rows.iter().filter(|row| row.extent == extent).count();
        assert!(count >= 50, "{count} rows of {extent:?}");
    }
    for row in rows {
        let fields: Vec<String> = match row.rule.check(row.extent) {
            Ok(()) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.field).collect(),
        };
        let wanted: Vec<&str> = row.refused.into_iter().flat_map(|f| f.split(',')).collect();
        assert_eq!(fields, wanted, "{}", row.line);
    }
}

#[test]
fn a_sum_is_refused_when_one_of_its_rules_is() {
    let good: Vec<(Extent, Rule)> = rows()
        .into_iter()
        .filter(|row| row.refused.is_none())
        .map(|row| (row.extent, row.rule))
        .collect();
    assert!(check_sum(&good).is_ok());
    for row in rows().into_iter().filter(|row| row.refused.is_some()) {
        let mut rules = good.clone();
        rules.push((row.extent, row.rule));
        let faults = check_sum(&rules).unwrap_err();
        let prefix = format!("rules[{}].", good.len());
        assert!(faults.iter().all(|fault| fault.field.starts_with(&prefix)));
    }
}

#[test]
fn reading_rights_do_not_add_up_to_writing_rights() {
    let rule = |resources: &[&str], verbs: &[&str]| {
        let rule = Rule {
            api_groups: vec![String::new()],
            resources: resources.iter().map(|r| (*r).to_owned()).collect(),
            verbs: verbs.iter().map(|v| (*v).to_owned()).collect(),
        };
        (Extent::Namespace, rule)
    };
    let read = rule(&["resourcequotas"], &["get", "list"]);
    let write = rule(&["pods"], &["delete"]);
    assert!(check_sum(&[read.clone(), write]).is_ok());
    let both = rule(&["pods", "resourcequotas"], &["get", "delete"]);
    let faults = check_sum(&[read, both]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].field, "rules[1].resources[1]");
    assert!(faults[0].rule.contains("delete"), "{}", faults[0]);
    assert!(!faults[0].rule.contains("get,"), "{}", faults[0]);
}

#[test]
fn a_cluster_wide_rule_is_judged_as_such_also_in_a_sum() {
    let write = rule(&[""], &["configmaps"], &["create"]);
    let read = rule(&[""], &["pods"], &["list"]);
    let sum = [
        (Extent::Namespace, write.clone()),
        (Extent::Cluster, read.clone()),
    ];
    assert!(check_sum(&sum).is_ok());
    let faults = check_sum(&[(Extent::Cluster, read), (Extent::Cluster, write)]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].field, "rules[1].verbs[0]");
}

#[test]
fn long_and_many_entries_are_refused_quickly() {
    let many = |count: usize| (0..count).map(|i| format!("r{i}")).collect::<Vec<_>>();
    let rule = |resources: Vec<String>| Rule {
        api_groups: vec![String::new()],
        resources,
        verbs: vec!["get".to_owned()],
    };
    assert!(rule(many(100)).check(Extent::Namespace).is_ok());
    assert!(rule(many(101)).check(Extent::Namespace).is_err());
    assert!(rule(many(100_000)).check(Extent::Namespace).is_err());
    let faults = rule(vec!["x".repeat(1_000_000)])
        .check(Extent::Namespace)
        .unwrap_err();
    assert!(faults[0].got.chars().count() < 100);
    let rules = vec![(Extent::Namespace, rule(many(1))); 101];
    assert!(check_sum(&rules).is_err());
    assert!(check_sum(&rules[..100]).is_ok());
}

#[test]
fn a_rule_without_wildcard_is_its_own_expansion() {
    for row in rows() {
        if row.refused.is_none() && !row.rule.has_wildcard() {
            assert_eq!(
                row.rule.expanded(row.extent),
                std::slice::from_ref(&row.rule),
                "{}",
                row.line
            );
        }
    }
}

fn texts(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Rule {
    Rule {
        api_groups: texts(groups),
        resources: texts(resources),
        verbs: texts(verbs),
    }
}

fn grants(rules: &[Rule], group: &str, resource: &str, verb: &str) -> bool {
    let has = |entries: &[String], entry: &str| entries.iter().any(|found| found == entry);
    rules.iter().any(|rule| {
        has(&rule.api_groups, group) && has(&rule.resources, resource) && has(&rule.verbs, verb)
    })
}

#[test]
fn everything_is_what_a_tenant_works_with_and_not_what_keeps_it_in() {
    let everything = rule(&["*"], &["*"], &["*"]).expanded(Extent::Namespace);
    for (group, resource, verb, granted) in [
        ("", "pods", "create", true),
        ("", "pods/exec", "create", true),
        ("", "secrets", "deletecollection", true),
        ("apps", "deployments", "patch", true),
        ("", "resourcequotas", "get", true),
        ("", "resourcequotas", "delete", false),
        ("", "limitranges", "update", false),
        ("networking.k8s.io", "networkpolicies", "delete", false),
        ("discovery.k8s.io", "endpointslices", "create", false),
        ("", "serviceaccounts/token", "create", false),
        ("", "pods/ephemeralcontainers", "update", false),
        ("", "services/proxy", "get", false),
        ("", "nodes", "get", false),
        ("rbac.authorization.k8s.io", "roles", "create", false),
    ] {
        assert_eq!(
            grants(&everything, group, resource, verb),
            granted,
            "{group} {resource} {verb}"
        );
    }
}

#[test]
fn everything_everywhere_is_reading_without_credentials() {
    let everything = rule(&["*"], &["*"], &["*"]).expanded(Extent::Cluster);
    for (group, resource, verb, granted) in [
        ("", "pods", "list", true),
        ("", "pods/log", "get", true),
        ("", "nodes", "get", true),
        ("", "namespaces", "watch", true),
        ("storage.k8s.io", "storageclasses", "list", true),
        ("apps", "deployments", "get", true),
        ("", "pods", "create", false),
        ("", "pods/exec", "get", false),
        ("", "secrets", "get", false),
        ("", "namespaces", "create", false),
        ("", "nodes/proxy", "get", false),
        ("apps", "deployments", "patch", false),
        ("rbac.authorization.k8s.io", "clusterroles", "get", false),
    ] {
        assert_eq!(
            grants(&everything, group, resource, verb),
            granted,
            "{group} {resource} {verb}"
        );
    }
    let reading = ["get", "list", "watch"];
    assert!(
        everything
            .iter()
            .flat_map(|rule| &rule.verbs)
            .all(|verb| reading.contains(&verb.as_str()))
    );
}

#[test]
fn groups_that_are_not_listed_are_told() {
    let emco = rule(&["", "apps", "k8splugin.io"], &["*"], &["*"]);
    assert!(emco.check(Extent::Namespace).is_ok());
    assert_eq!(emco.unlisted_groups(Extent::Namespace), ["k8splugin.io"]);
    assert!(!grants(
        &emco.expanded(Extent::Namespace),
        "k8splugin.io",
        "resourcebundlestates",
        "get"
    ));
    let named = rule(&["k8splugin.io"], &["resourcebundlestates"], &["*"]);
    assert!(named.unlisted_groups(Extent::Namespace).is_empty());
    assert!(grants(
        &named.expanded(Extent::Namespace),
        "k8splugin.io",
        "resourcebundlestates",
        "delete"
    ));
}

#[test]
fn a_revision_of_an_earlier_version_is_read() {
    let earlier = r#"{"uid":"00000000-0000-4000-8000-000000000001","name":"x","user":"bob",
        "rule":{"api_groups":[""],"resources":["pods"],"verbs":["get"]}}"#;
    let read: dcm_types::documents::RevisionPermission = serde_json::from_str(earlier).unwrap();
    assert_eq!(read.rules, [rule(&[""], &["pods"], &["get"])]);
    assert!(read.reach.is_own(), "an earlier one knew of nothing else");
    let written = serde_json::to_string(&read).unwrap();
    let again: dcm_types::documents::RevisionPermission = serde_json::from_str(&written).unwrap();
    assert_eq!(again, read);
}

/// Names of every sort: granted, read only, forbidden, unknown, and `*`.
mod pool {
    pub(super) const GROUPS: &[&str] = &[
        "*",
        "",
        "apps",
        "batch",
        "networking.k8s.io",
        "discovery.k8s.io",
        "example.com",
        "k8splugin.io",
        "rbac.authorization.k8s.io",
        "certificates.k8s.io",
    ];
    pub(super) const RESOURCES: &[&str] = &[
        "*",
        "pods",
        "pods/exec",
        "pods/status",
        "deployments",
        "secrets",
        "resourcequotas",
        "limitranges",
        "networkpolicies",
        "endpointslices",
        "widgets",
        "roles",
        "nodes",
        "nodes/proxy",
        "namespaces",
        "serviceaccounts/token",
        "pods/*",
    ];
    pub(super) const VERBS: &[&str] = &[
        "*",
        "get",
        "list",
        "watch",
        "create",
        "delete",
        "deletecollection",
        "escalate",
        "bind",
        "impersonate",
    ];
}

fn some_of(names: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(names, 1..=4).prop_map(|names| texts(&names))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_expansion_stays_in_the_envelope_and_in_what_was_written(
        api_groups in some_of(pool::GROUPS),
        resources in some_of(pool::RESOURCES),
        verbs in some_of(pool::VERBS),
        extent in prop_oneof![Just(Extent::Namespace), Just(Extent::Cluster)],
    ) {
        let written = Rule { api_groups, resources, verbs };
        let expanded = written.expanded(extent);
        // Also of what is refused: an expansion has no way out of the envelope.
        if written.has_wildcard() {
            for rule in &expanded {
                prop_assert!(rule.is_within_envelope(extent), "{rule:?}");
            }
        }
        if written.check(extent).is_err() {
            return Ok(());
        }
        let covers = |entries: &[String], entry: &String| {
            entries.contains(entry) || entries.iter().any(|found| found == "*")
        };
        for rule in &expanded {
            prop_assert!(rule.check(extent).is_ok(), "{rule:?}");
            prop_assert!(rule.is_within_envelope(extent), "{rule:?}");
            prop_assert!(rule.api_groups.iter().all(|group| covers(&written.api_groups, group)));
            prop_assert!(rule.resources.iter().all(|resource| covers(&written.resources, resource)));
            prop_assert!(rule.verbs.iter().all(|verb| covers(&written.verbs, verb)));
        }
        let named = |entries: &[String]| entries.iter().filter(|e| *e != "*").cloned().collect::<Vec<_>>();
        for group in named(&written.api_groups) {
            for resource in named(&written.resources) {
                for verb in named(&written.verbs) {
                    prop_assert!(grants(&expanded, &group, &resource, &verb), "{group} {resource} {verb}");
                }
            }
        }
    }
}
