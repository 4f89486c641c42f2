//! Files that a command of ours writes: what is checked in must be what the command writes today.

use std::fs;

use anyhow::{Context, Result, bail};

use super::{Finding, Tree};
use crate::workspace;

struct Generated {
    /// Relative to the work tree.
    file: &'static str,
    /// Arguments of the `cargo run` that prints the file.
    printed_by: &'static [&'static str],
}

/// Only what no test compares; a snapshot in a test needs no line here.
const GENERATED: &[Generated] = &[];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for Generated { file, printed_by } in GENERATED {
        let mut command = workspace::cargo(["run", "--quiet"]);
        let output = command
            .args(*printed_by)
            .output()
            .context("running cargo")?;
        if !output.status.success() {
            bail!(
                "printing {file}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        if fs::read(tree.root.join(file)).ok().as_ref() != Some(&output.stdout) {
            let message = format!("write it anew: cargo run {} > {file}", printed_by.join(" "));
            findings.push(Finding {
                rule: "generated",
                path: (*file).to_owned(),
                message,
            });
        }
    }
    Ok(findings)
}
