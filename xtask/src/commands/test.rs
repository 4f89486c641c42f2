//! `cargo xtask test`: gets what the tests need, builds them, runs them, and sums up.
//!
//! The very last line is always `N passed, N failed`, over all test programs.

mod programs;
mod summary;

use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use dcm_testkit::assets::judges;
use dcm_testkit::{Assets, IstioAssets, MongoServer};

use super::fuzz_api;
use crate::output;
use crate::parts::Parts;
use crate::workspace;
use summary::Summary;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on to `cargo test` in place of `--workspace`, such as `-p dcm-store`, or part of a test's name
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo_arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut parts = Parts::default();
    let mut summary = Summary::default();
    // One after the other: the builds of tools and of tests would only slow each other down.
    let assets = parts.run("get control planes", || {
        Assets::obtain()?;
        Ok(Assets::obtain_previous()?)
    });
    let mesh = assets.and_then(|_| {
        parts.run("get the mesh and its judges", || {
            IstioAssets::obtain()?;
            judges::go_verifier()?;
            Ok(judges::pkilint()?)
        })
    });
    let database = mesh.and_then(|_| {
        parts.run("get a server of MongoDB's protocol", || {
            Ok(MongoServer::obtain()?)
        })
    });
    let programs = database.and_then(|_| parts.run("build tests", || programs::build(arguments)));
    if let Some(programs) = programs {
        summary = Summary::of(programs);
        parts.run("run tests", || execute(arguments, &mut summary));
        if arguments.cargo_arguments.is_empty() {
            parts.run("fuzz the REST interface", fuzz_api::run_briefly);
        }
    }
    parts.report();
    summary.report();
    let outcome = parts.all_succeeded();
    if let Err(error) = &outcome {
        output::say(format!("{error:#}"));
    }
    output::say(summary.last_line());
    // Not an error value: it would be printed, and nothing may come after the last line.
    if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn execute(arguments: &Arguments, summary: &mut Summary) -> Result<()> {
    // One pipe for both streams keeps the lines of cargo and of the tests in their order.
    let (reader, writer) = io::pipe()?;
    let mut command = cargo_test();
    command
        .arg("--no-fail-fast")
        .args(selection(arguments))
        .args(&arguments.cargo_arguments);
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().context("running cargo test")?;
    // The command holds the writing ends: the pipe would never end.
    drop(command);
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        output::say(&line);
        summary.read(&line);
    }
    let status = child.wait()?;
    summary.finish(status.success());
    if !status.success() {
        bail!("cargo test ended with {status}");
    }
    Ok(())
}

fn cargo_test() -> Command {
    workspace::cargo(["test", "--locked"])
}

fn selection(arguments: &Arguments) -> Option<&'static str> {
    let chosen = arguments
        .cargo_arguments
        .first()
        .is_some_and(|word| word.starts_with("-p"));
    (!chosen).then_some("--workspace")
}
