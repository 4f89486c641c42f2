//! Where the work tree is, what is in it, and how commands are run in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

/// The folder with the workspace's own `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The packages of this workspace, without what they depend on.
pub(crate) fn metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(root()).no_deps();
    command.exec().context("reading the workspace")
}

/// The package of the fuzzer, which has a workspace of its own.
pub(crate) fn fuzz_metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(root().join("fuzz")).no_deps();
    command
        .exec()
        .context("reading the workspace of the fuzzer")
}

/// Every file that is, or is about to be, in version control.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let arguments = [
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ];
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.context("running git")?;
    if !output.status.success() {
        bail!(
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<_> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect();
    // A file that was removed but not yet committed is still in the index.
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// `cargo` in the work tree.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    // Set by cargo for what it runs; the plain name serves who runs this program directly.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command whose output is for the user; it must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .status()
        .with_context(|| format!("running `{name}`"))?;
    if !status.success() {
        bail!("`{name}` ended with {status}");
    }
    Ok(())
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
