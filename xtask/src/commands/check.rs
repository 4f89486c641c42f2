//! `cargo xtask check`: everything that can be known without running the product.
//!
//! All parts run even if one fails, so that one run tells all there is to mend.

use anyhow::Result;

use crate::parts::Parts;
use crate::workspace::{cargo, run as run_command};
use crate::{tidy, tools};

pub(crate) fn run() -> Result<()> {
    let mut parts = Parts::default();
    parts.run("format", || {
        run_command(&mut cargo(["fmt", "--all", "--check"]))
    });
    parts.run("tidy", tidy::run);
    parts.run("clippy", clippy);
    parts.run("documentation", documentation);
    parts.run("generated files", generated);
    parts.run("dependencies", dependencies);
    parts.report();
    parts.all_succeeded()
}

fn clippy() -> Result<()> {
    run_command(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn documentation() -> Result<()> {
    let mut command = cargo([
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    run_command(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The files that programs write (REST description, gRPC code, command reference, example
/// configuration) are
/// compared by tests, which also say how to renew them.
fn generated() -> Result<()> {
    run_command(&mut cargo([
        "test",
        "--package",
        "dcm-api",
        "--package",
        "dcm-rpc",
        "--package",
        "dcm",
        "--test",
        "it",
        "--",
        "the_document_is_the_one_that_is_checked_in",
        "the_code_is_the_one_that_is_checked_in",
        "documents::",
    ]))
}

/// Without the network: advisories, which need it, are `cargo xtask audit`.
fn dependencies() -> Result<()> {
    // Also what only other platforms need, which no build here has fetched.
    run_command(&mut cargo(["fetch", "--locked"]))?;
    let mut command = tools::cargo_deny()?;
    let arguments = [
        "--offline",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ];
    run_command(command.args(arguments))
}
