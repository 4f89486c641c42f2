//! `cargo xtask fuzz`: random bytes into what reads certificates, requests, lists and bundles of others.
//!
//! libFuzzer by `cargo-fuzz`, on the compiler that is pinned (without a sanitizer: unsafe code is forbidden). The
//! inputs that it found worth keeping stay in `target/fuzz/corpus`; what broke something is told, and belongs
//! into `fuzz/corpus` as text once it is mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::parts::Parts;
use crate::{output, tools, workspace};

/// What `fuzz/fuzz_targets` holds.
const TARGETS: [&str; 5] = ["bundle", "request", "certificate", "list", "import"];
/// Largest input that is tried: the readers take 256 KiB, and small inputs are tried more often.
const LARGEST: &str = "-max_len=32768";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long each target is tried, in seconds; building them the first time takes minutes
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only this target
    #[arg(long, value_parser = TARGETS)]
    target: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    tools::cargo_fuzz()?;
    let folder = workspace::root().join("target").join("fuzz");
    let corpora = folder.join("corpus");
    make_seeds(&corpora)?;
    let mut parts = Parts::default();
    parts.run("build", || workspace::run(&mut cargo_fuzz("build")?));
    let wanted = |target: &&str| {
        arguments
            .target
            .as_deref()
            .is_none_or(|only| only == *target)
    };
    for target in TARGETS.into_iter().filter(wanted) {
        let corpus = corpora.join(target);
        parts.run(target, || run_target(target, &corpus, arguments.seconds));
    }
    parts.report();
    parts.all_succeeded()
}

/// Good inputs, and those that are kept, beside what earlier runs found.
fn make_seeds(corpora: &Path) -> Result<()> {
    let mut seeds = workspace::cargo([
        "run",
        "--quiet",
        "--locked",
        "--package",
        "dcm-pki",
        "--example",
        "fuzz_seeds",
        "--",
    ]);
    workspace::run(seeds.arg(corpora))?;
    for target in TARGETS {
        for kept in kept(target)? {
            let name = kept.file_name().unwrap_or_default();
            let to = corpora.join(target).join(name);
            fs::copy(&kept, &to).with_context(|| format!("copying {}", kept.display()))?;
        }
    }
    Ok(())
}

fn kept(target: &str) -> Result<Vec<PathBuf>> {
    let folder = workspace::root().join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn run_target(target: &str, corpus: &Path, seconds: u32) -> Result<()> {
    let root = workspace::root();
    let artifacts = root.join("target/fuzz/artifacts").join(target);
    fs::create_dir_all(&artifacts).context("making the folder for what breaks something")?;
    let mut command = cargo_fuzz("run")?;
    command
        .arg(target)
        .arg(corpus)
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args([LARGEST, "-timeout=10", "-rss_limit_mb=2048"])
        .args(["-verbosity=0", "-print_funcs=0", "-print_final_stats=1"]);
    let outcome = workspace::run(&mut command);
    outcome.with_context(|| format!("what broke it is in {}", artifacts.display()))?;
    let inputs = fs::read_dir(corpus)?.count();
    ensure!(inputs > 0, "{target} kept no input at all");
    output::say(format!("{target}: {inputs} inputs are kept"));
    Ok(())
}

fn cargo_fuzz(action: &str) -> Result<Command> {
    let root = workspace::root();
    let mut command = tools::cargo_fuzz()?;
    command
        .arg(action)
        .args(["--sanitizer", "none", "--debug-assertions"])
        .arg("--fuzz-dir")
        .arg(root.join("fuzz"))
        .arg("--target-dir")
        .arg(root.join("target/fuzz/build"));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_file_and_kept_inputs_and_no_other_has() {
        let names = |folder: &str| -> Vec<String> {
            let entries = fs::read_dir(workspace::root().join(folder)).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| {
                    entry
                        .unwrap()
                        .path()
                        .file_stem()
                        .unwrap()
                        .to_string_lossy()
                        .into()
                })
                .collect();
            names.sort();
            names
        };
        let mut targets = TARGETS.map(str::to_owned).to_vec();
        targets.sort();
        assert_eq!(names("fuzz/fuzz_targets"), targets);
        assert_eq!(names("fuzz/corpus"), targets);
    }
}
