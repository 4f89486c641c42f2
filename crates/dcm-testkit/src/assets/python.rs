//! Programs from Python packages: a pinned version each, in an environment of its own in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Error, cache};
use crate::progress;

/// Characters of a failing command's words that are quoted.
const QUOTED: usize = 2000;

/// The environment that holds `package`, complete; made when it is not there, which takes half a minute.
pub fn environment(package: &'static str, version: &str) -> Result<PathBuf, Error> {
    let shelf = cache::folder()?.join("tools").join(package);
    let root = shelf.join(version);
    // Written last: an environment without it is half made.
    let complete = root.join("complete");
    if complete.is_file() {
        return Ok(root);
    }
    let _lock = cache::lock(&shelf.join("lock"))?;
    if !complete.is_file() {
        progress::plain(&format!(
            "installing {package} {version} once: expected 30 s"
        ));
        install(package, version, &root)?;
        fs::write(&complete, "").map_err(|source| Error::PrepareCache {
            path: complete,
            source,
        })?;
    }
    Ok(root)
}

fn install(package: &'static str, version: &str, root: &Path) -> Result<(), Error> {
    let mut python = Command::new("python3");
    python.args(["-m", "venv", "--clear"]).arg(root);
    run(package, &mut python)?;
    let mut pip = Command::new(root.join("bin").join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("{package}=={version}"));
    run(package, &mut pip)
}

fn run(package: &'static str, command: &mut Command) -> Result<(), Error> {
    let result = command
        .output()
        .map_err(|source| Error::RunPython { package, source })?;
    if result.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&result.stderr).trim().to_owned();
    let start = said.len().saturating_sub(QUOTED);
    Err(Error::Install {
        package,
        command: format!("{command:?}"),
        status: result.status.to_string(),
        tail: said.get(start..).unwrap_or(&said).to_owned(),
    })
}
