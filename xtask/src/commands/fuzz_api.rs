//! `cargo xtask fuzz-api`: Schemathesis against a served instance, with stateful links.
//!
//! The seed is random and printed; `cargo xtask test` runs the same with a fixed seed and fewer cases. All
//! checks are made of all operations, but for what stands in `xtask/fuzz-exceptions.toml`.

mod exceptions;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use dcm_testkit::Folder;
use serde::Deserialize;

use self::exceptions::Exceptions;
use crate::serve::{self, Profile, Server};
use crate::{output, tools, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cases per operation and phase; about ninety operations are tried
    #[arg(long, default_value_t = 160)]
    cases: u32,
    /// Seed of an earlier run, to repeat it
    #[arg(long)]
    seed: Option<u32>,
    /// Fail when fewer cases than this were made in all
    #[arg(long, default_value_t = 20_000)]
    least: u64,
}

/// What `cargo xtask test` runs: long enough to try every operation, short enough to wait for.
const BRIEF: Arguments = Arguments {
    cases: 5,
    seed: Some(20_261_123),
    least: 3_000,
};

/// What is read of the report of a run.
#[derive(Deserialize)]
struct Report {
    test_cases: Cases,
}

#[derive(Deserialize)]
struct Cases {
    generated: u64,
}

pub(crate) fn run_briefly() -> Result<()> {
    run(&BRIEF)
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = tools::schemathesis()?;
    let dcm = serve::build(Profile::Dev)?;
    let folder = Folder::create("dcm-fuzz")?;
    let folder = folder.path();
    fs::write(folder.join("dcm.toml"), "").context("writing dcm.toml")?;
    write_settings(&folder.join("schemathesis.toml"))?;
    let server = Server::start(&dcm, folder, serve::any_address())?;
    let seed = arguments.seed.unwrap_or_else(rand_seed);
    output::say(format!("seed {seed}"));
    let report = folder.join("report.json");
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(format!("http://{}/v2/openapi.json", server.address()))
        // Not `--checks`: it would go before the exceptions, and all checks are made without it.
        .arg("--no-color")
        .arg("--report-json-path")
        .arg(&report)
        .args(["--max-examples", &arguments.cases.to_string()])
        .args(["--seed", &seed.to_string()]);
    let outcome = workspace::run(&mut command);
    outcome.with_context(|| format!("the server's last words:\n{}", server.last_lines()))?;
    let made = cases_of(&report)?;
    ensure!(
        made >= arguments.least,
        "only {made} cases were made, of at least {}",
        arguments.least
    );
    Ok(())
}

/// The settings of every run, and the exceptions.
fn write_settings(file: &Path) -> Result<()> {
    let common = workspace::root().join("xtask/schemathesis.toml");
    let common = fs::read_to_string(common).context("reading schemathesis.toml")?;
    let settings = common + &Exceptions::read()?.as_settings();
    fs::write(file, settings).context("writing schemathesis.toml")
}

fn cases_of(report: &Path) -> Result<u64> {
    let text = fs::read_to_string(report).context("reading the report of the run")?;
    let report: Report = serde_json::from_str(&text).context("reading the report of the run")?;
    Ok(report.test_cases.generated)
}

/// Different for each run: of the process and of the moment.
fn rand_seed() -> u32 {
    let nanos = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |time| time.subsec_nanos());
    nanos ^ std::process::id()
}
