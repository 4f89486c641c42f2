//! Seeds: the many of every test run, those of `cargo xtask simulate`, and those that failed once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::chaos;
use super::sweep::sweep;

/// Seeds of every test run. Of the first 2,000 three fail: see `docs/reliability.md`.
const SEEDS: u64 = 200;
/// Other seeds: `FROM..TO`. Set by `cargo xtask simulate`.
const SWITCH: &str = "DCM_SIMULATE_SEEDS";
/// Progress is told each so many runs, when others were asked for.
const STEP: usize = 1000;

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
    Err(format!(
        "seed {seed} (again: cargo xtask simulate --seed {seed}):\n  {violations}"
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
#[expect(clippy::print_stderr, reason = "whoever asked for many seeds waits")]
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
    let seeds: Vec<u64> = asked.clone().unwrap_or(0..usual).collect();
    let done = AtomicUsize::new(0);
    let failed = sweep(&seeds, |seed| {
        let result = check(*seed);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if asked.is_some() && done.is_multiple_of(STEP) {
            eprintln!("{done} of {} runs", seeds.len());
        }
        result
    });
    if asked.is_some() {
        eprintln!("{} runs, {} failed", seeds.len(), failed.len());
    }
    failed
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
