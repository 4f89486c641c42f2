//! Every row of `kubeconfigs.yaml` is refused, for its reason, and without repeating a secret.

use std::collections::BTreeMap;

use dcm_pki::kubeconfig;

use crate::kubeconfig_table::{Row, rows};
use crate::sample::Sample;

#[test]
fn every_bad_kubeconfig_is_refused_for_its_reason() {
    let sample = Sample::new();
    let mut wrong = Vec::new();
    for row in rows() {
        let told = match kubeconfig::parse(&row.bytes(&sample)) {
            Ok(_) => "accepted".to_owned(),
            Err(faults) => {
                let is_meant = |fault: &dcm_types::Fault| {
                    fault.field == row.field && fault.rule.contains(&row.rule)
                };
                if faults.iter().any(is_meant) && faults.len() <= 51 {
                    continue;
                }
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                faults.join("\n    ")
            }
        };
        wrong.push(format!("{} {}\n    {told}", row.threat, row.name));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_refusal_repeats_a_secret() {
    let sample = Sample::new();
    let secrets = sample.secrets();
    for row in rows() {
        let Err(faults) = kubeconfig::parse(&row.bytes(&sample)) else {
            continue;
        };
        let told = format!("{faults:?} {}", serde_json::to_string(&faults).unwrap());
        assert!(told.len() < 64 * 1024, "{} is told at length", row.name);
        for secret in &secrets {
            assert!(!told.contains(secret), "{}: {told}", row.name);
        }
    }
}

#[test]
fn the_table_covers_every_threat() {
    let mut count = BTreeMap::new();
    let mut names = BTreeMap::new();
    for row in rows() {
        *count.entry(row.threat).or_insert(0) += 1;
        *names.entry(row.name).or_insert(0) += 1;
    }
    let least = [
        ("T1", 12),
        ("T2", 3),
        ("T3", 6),
        ("T4", 6),
        ("T5", 4),
        ("T6", 20),
        ("T33", 25),
    ];
    for (threat, least) in least {
        assert!(
            count.get(threat).is_some_and(|found| *found >= least),
            "{threat}: {count:?}"
        );
    }
    assert!(
        names.values().all(|found| *found == 1),
        "a name stands twice: {names:?}"
    );
}

#[test]
fn without_its_fault_the_frame_of_the_rows_is_accepted() {
    let sample = Sample::new();
    let frame = "{ threat: T, name: n, field: f, rule: r }";
    let row: Row = serde_saphyr::from_str(frame).unwrap();
    assert!(kubeconfig::parse(&row.bytes(&sample)).is_ok());
}
