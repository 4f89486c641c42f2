//! The envelope of permissions, row by row (T14, T18, T19).

use dcm_types::permission::{Rule, check_sum};

struct Row {
    line: &'static str,
    /// The field that must be named; `None`: the rule is inside the envelope.
    refused: Option<&'static str>,
    rule: Rule,
}

/// `expectation | apiGroups | resources | verbs`; entries are separated by spaces, `core` is the empty
/// group, `-` is an empty list.
fn rows() -> Vec<Row> {
    include_str!("../data/permissions.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let [expectation, groups, resources, verbs] = parts[..] else {
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
            }
        })
        .collect()
}

#[test]
fn every_row_is_judged_and_the_field_is_named() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for row in rows {
        let fields: Vec<String> = match row.rule.check() {
            Ok(()) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.field).collect(),
        };
        let wanted: Vec<&str> = row.refused.into_iter().flat_map(|f| f.split(',')).collect();
        assert_eq!(fields, wanted, "{}", row.line);
    }
}

#[test]
fn a_sum_is_refused_when_one_of_its_rules_is() {
    let good: Vec<Rule> = rows()
        .into_iter()
        .filter(|row| row.refused.is_none())
        .map(|row| row.rule)
        .collect();
    assert!(check_sum(&good).is_ok());
    for row in rows().into_iter().filter(|row| row.refused.is_some()) {
        let mut rules = good.clone();
        rules.push(row.rule);
        let faults = check_sum(&rules).unwrap_err();
        let prefix = format!("rules[{}].", good.len());
        assert!(faults.iter().all(|fault| fault.field.starts_with(&prefix)));
    }
}

#[test]
fn reading_rights_do_not_add_up_to_writing_rights() {
    let rule = |resources: &[&str], verbs: &[&str]| Rule {
        api_groups: vec![String::new()],
        resources: resources.iter().map(|r| (*r).to_owned()).collect(),
        verbs: verbs.iter().map(|v| (*v).to_owned()).collect(),
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
fn long_and_many_entries_are_refused_quickly() {
    let many = |count: usize| (0..count).map(|i| format!("r{i}")).collect::<Vec<_>>();
    let rule = |resources: Vec<String>| Rule {
        api_groups: vec![String::new()],
        resources,
        verbs: vec!["get".to_owned()],
    };
    assert!(rule(many(100)).check().is_ok());
    assert!(rule(many(101)).check().is_err());
    assert!(rule(many(100_000)).check().is_err());
    let faults = rule(vec!["x".repeat(1_000_000)]).check().unwrap_err();
    assert!(faults[0].got.chars().count() < 100);
    let rules = vec![rule(many(1)); 101];
    assert!(check_sum(&rules).is_err());
    assert!(check_sum(&rules[..100]).is_ok());
}
