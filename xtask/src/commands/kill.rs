//! `cargo xtask kill`: SIGKILL of the server at random moments, as often as asked for.
//!
//! A round is a life of three clouds on two simulated clusters, with a kill in instantiate, in update and in
//! terminate. `cargo xtask test` runs a few rounds of a fixed seed; each one prints how to repeat it.

use anyhow::Result;

use crate::workspace;

/// The test that reads the variables.
const TEST: &str = "faults::killed::a_process_that_is_killed_at_random_ends_right";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of three kills each; one takes about ten seconds
    #[arg(long, default_value_t = 100)]
    rounds: u64,
    /// Seed of the first round; the others follow
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut command = workspace::cargo(["test", "--locked", "-p", "dcm", "--test", "it", TEST]);
    command
        .args(["--", "--exact", "--nocapture"])
        .env("DCM_KILL_ROUNDS", arguments.rounds.to_string())
        .env("DCM_KILL_SEED", arguments.seed.to_string());
    workspace::run(&mut command)
}
