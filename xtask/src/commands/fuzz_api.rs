//! `cargo xtask fuzz-api`: Schemathesis against a served instance, with stateful links.
//!
//! The seed is random and printed; `cargo xtask test` runs the same with a fixed seed and fewer cases.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use dcm_testkit::Folder;

use crate::serve::{self, Profile, Server};
use crate::{output, tools, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cases per operation and phase; about fifty operations are tried
    #[arg(long, default_value_t = 400)]
    cases: u32,
    /// Seed of an earlier run, to repeat it
    #[arg(long)]
    seed: Option<u32>,
}

/// What is judged. Two checks are not: a valid document may still be refused for what it says (a cluster
/// that does not exist, rights outside of the envelope), which no schema can say; and a document with
/// unknown members is accepted with a `Warning`, as Kubernetes does it, where the tool expects a refusal.
const CHECKS: [&str; 8] = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
];

/// What `cargo xtask test` runs: long enough to try every operation, short enough to wait for.
const BRIEF: Arguments = Arguments {
    cases: 12,
    seed: Some(20_261_123),
};

pub(crate) fn run_briefly() -> Result<()> {
    run(&BRIEF)
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = tools::schemathesis()?;
    let dcm = serve::build(Profile::Dev)?;
    let folder = Folder::create("dcm-fuzz")?;
    fs::write(folder.path().join("dcm.toml"), "").context("writing dcm.toml")?;
    let server = Server::start(&dcm, folder.path(), serve::any_address())?;
    let seed = arguments.seed.unwrap_or_else(rand_seed);
    output::say(format!("seed {seed}"));
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(workspace::root().join("xtask/schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/v2/openapi.json", server.address()))
        .args(["--checks", &CHECKS.join(","), "--no-color"])
        .args(["--max-examples", &arguments.cases.to_string()])
        .args(["--seed", &seed.to_string()]);
    let outcome = workspace::run(&mut command);
    outcome.with_context(|| format!("the server's last words:\n{}", server.last_lines()))
}

/// Different for each run: of the process and of the moment.
fn rand_seed() -> u32 {
    let nanos = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |time| time.subsec_nanos());
    nanos ^ std::process::id()
}
