//! Builds the test programs, and learns from cargo which crate each one belongs to.
//!
//! The lines that `cargo test` prints while it runs them name files only, and most crates call
//! theirs the same.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use super::{Arguments, cargo_test, selection};

/// Names of crates by the file names of their test programs.
pub(super) type Programs = HashMap<String, String>;

pub(super) fn build(arguments: &Arguments) -> Result<Programs> {
    let mut command = cargo_test();
    command.args(["--no-run", "--message-format=json-render-diagnostics"]);
    // What stands behind `--` is for the test programs.
    let words = arguments.cargo_arguments.iter();
    command
        .args(selection(arguments))
        .args(words.take_while(|word| *word != "--"));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("running cargo test")?;
    let mut programs = Programs::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            programs.extend(program(&line?));
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("the tests do not compile ({status})");
    }
    Ok(programs)
}

fn program(line: &str) -> Option<(String, String)> {
    let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(line) else {
        return None;
    };
    let file = artifact.executable?.file_name()?.to_owned();
    let crate_name = artifact.manifest_path.parent()?.file_name()?.to_owned();
    Some((file, crate_name))
}
