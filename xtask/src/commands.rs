//! The commands, in the order in which they are listed: one file each.

mod audit;
mod bench;
mod check;
mod demo;
mod fuzz;
mod fuzz_api;
mod istio;
mod kill;
mod kube;
mod simulate;
mod test;

use std::process::ExitCode;

use anyhow::Result;

use crate::tidy;

#[derive(clap::Subcommand)]
pub(crate) enum Task {
    /// Format, lints, documentation, licences and house rules: all that is known without running
    Check,
    /// Get what the tests need, build them, run them all
    Test(test::Arguments),
    /// One logical cloud on two real control planes: watch it live, break, heal and go
    Demo(demo::Arguments),
    /// Measure what the product is held against: rates, times, memory; takes minutes
    Bench(bench::Arguments),
    /// Random bytes into the readers of certificates, requests, lists and bundles; a minute each
    Fuzz(fuzz::Arguments),
    /// Random requests against a served instance, judged by its own description; takes minutes
    FuzzApi(fuzz_api::Arguments),
    /// Random runs of the synchronizer in virtual time, from seeds; told how to repeat what fails
    Simulate(simulate::Arguments),
    /// The server killed at random moments, again and again; it must always end right
    Kill(kill::Arguments),
    /// Only the house rules: arrows between crates, sizes, first lines, dependencies
    Tidy,
    /// Known vulnerabilities of dependencies; needs the advisory database from the network
    Audit,
    #[command(
        subcommand,
        about = "Local Kubernetes control planes: build | up [N] | list | down"
    )]
    Kube(kube::Task),
    #[command(subcommand, about = "The programs of the mesh: build")]
    Istio(istio::Task),
}

impl Task {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self {
            Self::Check => check::run()?,
            Self::Test(arguments) => return Ok(test::run(&arguments)),
            Self::Demo(arguments) => demo::run(&arguments)?,
            Self::Bench(arguments) => bench::run(&arguments)?,
            Self::Fuzz(arguments) => fuzz::run(&arguments)?,
            Self::FuzzApi(arguments) => fuzz_api::run(&arguments)?,
            Self::Simulate(arguments) => simulate::run(&arguments)?,
            Self::Kill(arguments) => kill::run(&arguments)?,
            Self::Tidy => tidy::run()?,
            Self::Audit => audit::run()?,
            Self::Kube(task) => task.run()?,
            Self::Istio(task) => task.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
