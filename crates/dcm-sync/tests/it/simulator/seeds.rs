//! Seeds: the many of every test run, those of `cargo xtask simulate`, and those that failed once.

use std::path::{Path, PathBuf};

use super::chaos;
use super::history;
use super::sweep::sweep;

/// Seeds of every test run.
const SEEDS: u64 = 2000;
/// Other seeds: `FROM..TO`. Set by `cargo xtask simulate`.
const SWITCH: &str = "DCM_SIMULATE_SEEDS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds")
}

/// How the run of a seed ends.
fn check(seed: u64) -> Result<(), String> {
    let outcome = chaos::run(seed);
    if outcome.violations.is_empty() {
        return Ok(());
    }
    let violations = outcome.violations.join("\n  ");
    let history = history::keep(&format!("seed-{seed}"), &outcome.history);
    Err(format!(
        "seed {seed} (again: cargo xtask simulate --seed {seed}):\n  {violations}\n  {history}"
    ))
}

/// The same, and a seed that fails is written down, to be run for ever.
fn check_and_keep(seed: u64) -> Result<(), String> {
    let result = check(seed);
    if result.is_err() {
        let text = format!("# What it found: say it here.\nseed = {seed}\n");
        let folder = folder();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{seed}.toml")), text).unwrap();
    }
    result
}

/// Runs the first so many seeds, or those that the variable asks for, and says which failed.
pub(crate) fn each(
    switch: &str,
    usual: u64,
    check: impl Fn(u64) -> Result<(), String> + Sync,
) -> Vec<String> {
    let asked = std::env::var_os(switch).map(|text| {
        let text = text.into_string().unwrap();
        let (from, to) = text.split_once("..").unwrap();
        from.parse().unwrap()..to.parse().unwrap()
    });
    let seeds: Vec<u64> = asked.unwrap_or(0..usual).collect();
    sweep(&seeds, |seed| check(*seed))
}

#[test]
fn random_runs_come_to_rest_with_every_invariant() {
    let failed = each(SWITCH, SEEDS, check_and_keep);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The seed of a file: a line `seed = N`, beside comments.
fn read(text: &str) -> u64 {
    let mut seeds = text.lines().filter_map(|line| line.strip_prefix("seed = "));
    seeds.next().unwrap().trim().parse().unwrap()
}

#[test]
fn seeds_that_failed_once_hold() {
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|it| it == "toml"));
    let texts = files.map(|file| std::fs::read_to_string(file).unwrap());
    let seeds: Vec<u64> = texts.map(|text| read(&text)).collect();
    let failed = sweep(&seeds, |seed| check(*seed));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
