//! Programs of others that the tasks need: a pinned version each, made once in the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use dcm_testkit::assets::{cache, python};

use crate::{output, workspace};

const CARGO_DENY_VERSION: &str = "0.20.2";
const CARGO_FUZZ_VERSION: &str = "0.13.2";
const SCHEMATHESIS_VERSION: &str = "4.32.5";

/// `cargo-deny`, with the arguments of the caller to come.
pub(crate) fn cargo_deny() -> Result<Command> {
    let mut command = Command::new(obtain("cargo-deny", CARGO_DENY_VERSION)?);
    command.current_dir(workspace::root());
    Ok(command)
}

/// `cargo-fuzz`, with the arguments of the caller to come.
pub(crate) fn cargo_fuzz() -> Result<Command> {
    let mut command = Command::new(obtain("cargo-fuzz", CARGO_FUZZ_VERSION)?);
    command.current_dir(workspace::root());
    Ok(command)
}

/// The Schemathesis program, in a Python environment of its own.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    let root = python::environment("schemathesis", SCHEMATHESIS_VERSION)?;
    Ok(root.join("bin").join("schemathesis"))
}

fn obtain(name: &str, version: &str) -> Result<PathBuf> {
    let shelf = cache::folder()?.join("tools").join(name);
    let root = shelf.join(version);
    let program = root.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let _lock = cache::lock(&shelf.join("lock"))?;
    if !program.is_file() {
        output::warn(format!("compiling {name} {version} once: expected 4 min"));
        // Cargo puts the program in its place only when it is complete.
        let mut install = workspace::cargo(["install", "--locked", "--version", version, name]);
        install.arg("--root").arg(&root);
        // Not in the work tree: its settings are not meant for programs of others.
        install.current_dir(&shelf);
        workspace::run(&mut install).with_context(|| format!("installing {name} {version}"))?;
    }
    Ok(program)
}
