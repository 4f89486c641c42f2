//! Checks that are left out for some operations, each with its reason, and never for all.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

const FILE: &str = "xtask/fuzz-exceptions.toml";

/// The checks that may be left out: no other, so those for server errors and for the conformance of answers
/// never are.
const OPTIONAL: [&str; 2] = ["positive_data_acceptance", "negative_data_rejection"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    exception: Vec<Exception>,
}

/// One check that is not made for some operations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    check: String,
    reason: String,
    /// Ids of operations.
    operations: Vec<String>,
}

impl Exceptions {
    pub(super) fn read() -> Result<Self> {
        let file = workspace::root().join(FILE);
        let text = fs::read_to_string(file).with_context(|| format!("reading {FILE}"))?;
        let exceptions: Self = toml::from_str(&text).with_context(|| format!("reading {FILE}"))?;
        for exception in &exceptions.exception {
            let check = exception.check.as_str();
            if !OPTIONAL.contains(&check) {
                bail!("{FILE}: {check} is never left out");
            }
            if exception.reason.trim().is_empty() {
                bail!("{FILE}: {check} is left out without a reason");
            }
        }
        Ok(exceptions)
    }

    /// The same in the form that Schemathesis reads.
    pub(super) fn as_settings(&self) -> String {
        let of = |exception: &Exception| {
            let check = &exception.check;
            let blocks = exception.operations.iter().map(move |operation| {
                format!(
                    "\n[[operations]]\ninclude-operation-id = \"{operation}\"\n\
                     checks.{check}.enabled = false\n"
                )
            });
            blocks.collect::<String>()
        };
        self.exception.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_exception_is_for_an_operation_that_there_is_and_stands_once() {
        let file = workspace::root().join("crates/dcm-api/openapi.json");
        let description: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let paths = description["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|item| item.as_object().unwrap().values());
        let known: BTreeSet<&str> = operations
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let mut seen = BTreeSet::new();
        let exceptions = Exceptions::read().unwrap();
        for exception in &exceptions.exception {
            for operation in &exception.operations {
                assert!(known.contains(operation.as_str()), "{operation}");
                assert!(seen.insert((&exception.check, operation)), "{operation}");
            }
        }
        assert!(seen.len() < known.len(), "a check is left out everywhere");
    }

    #[test]
    fn settings_name_the_operation_and_the_check() {
        let exceptions = Exceptions {
            exception: vec![Exception {
                check: "positive_data_acceptance".to_owned(),
                reason: "because".to_owned(),
                operations: vec!["put_x".to_owned()],
            }],
        };
        let settings: toml::Table = exceptions.as_settings().parse().unwrap();
        let block = &settings["operations"][0];
        assert_eq!(block["include-operation-id"].as_str(), Some("put_x"));
        let check = &block["checks"]["positive_data_acceptance"];
        assert_eq!(check["enabled"].as_bool(), Some(false));
    }
}
