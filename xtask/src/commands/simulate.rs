//! `cargo xtask simulate`: the simulator of the synchronizer, longer than in `cargo xtask test`.

use anyhow::Result;

use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this seed, again
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Two deaths of the synchronizer in the reference scenario, in place of random runs
    #[arg(long)]
    double_crashes: bool,
    /// Every death and every fault at every effect of the reference scenario, in place of random runs
    #[arg(long, conflicts_with_all = ["seeds", "from", "seed", "double_crashes"])]
    listed: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (from, count) = match arguments.seed {
        Some(seed) => (seed, 1),
        None => (arguments.from, arguments.seeds),
    };
    let (switch, test) = if arguments.double_crashes {
        ("DCM_SIMULATE_DOUBLE_CRASHES", "two_crashes_leave_no_trace")
    } else {
        (
            "DCM_SIMULATE_SEEDS",
            "random_runs_come_to_rest_with_every_invariant",
        )
    };
    let test = if arguments.listed {
        "simulator::listed"
    } else {
        test
    };
    let mut command = workspace::cargo(["test", "--locked"]);
    command
        .args(["-p", "dcm-sync", "--test", "it", test])
        .env("DCM_SIMULATE_PROGRESS", "1000")
        .env(switch, format!("{from}..{}", from.saturating_add(count)));
    workspace::run(&mut command)
}
