//! Exceptions from the house rules, each with its reason.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Finding;

const FILE: &str = "xtask/tidy-allow.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowList {
    #[serde(default)]
    allow: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    path: String,
    reason: String,
}

impl AllowList {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(root.join(FILE)).with_context(|| format!("reading {FILE}"))?;
        toml::from_str(&text).with_context(|| format!("reading {FILE}"))
    }

    /// Takes out what is allowed; adds entries that allow nothing or give no reason.
    pub(super) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let covers = |entry: &Entry, finding: &Finding| {
            entry.rule == finding.rule && entry.path == finding.path
        };
        let mut own = Vec::new();
        for entry in &self.allow {
            let mut tell = |message: &str| {
                let message = format!("the entry for {} in {}: {message}", entry.rule, entry.path);
                own.push(Finding {
                    rule: "allow-list",
                    path: FILE.to_owned(),
                    message,
                });
            };
            if entry.reason.trim().is_empty() {
                tell("gives no reason");
            }
            if !findings.iter().any(|finding| covers(entry, finding)) {
                tell("allows nothing any more");
            }
        }
        let mut left = findings;
        left.retain(|finding| !self.allow.iter().any(|entry| covers(entry, finding)));
        left.extend(own);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &'static str, path: &str) -> Finding {
        Finding {
            rule,
            path: path.to_owned(),
            message: String::new(),
        }
    }

    #[test]
    fn an_entry_takes_out_only_its_rule_in_its_file() {
        let entry = "[[allow]]\nrule = \"size\"\npath = \"a.rs\"\nreason = \"generated\"";
        let list: AllowList = toml::from_str(entry).unwrap();
        let findings = vec![
            finding("size", "a.rs"),
            finding("size", "b.rs"),
            finding("x", "a.rs"),
        ];
        assert_eq!(
            list.apply(findings),
            [finding("size", "b.rs"), finding("x", "a.rs")]
        );
    }

    #[test]
    fn an_entry_that_is_not_needed_or_not_explained_is_a_finding() {
        let entry = "[[allow]]\nrule = \"size\"\npath = \"a.rs\"\nreason = \" \"";
        let list: AllowList = toml::from_str(entry).unwrap();
        let messages: Vec<_> = list
            .apply(Vec::new())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages[0].contains("no reason") && messages[1].contains("nothing any more"));
    }
}
