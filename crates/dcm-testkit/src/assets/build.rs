//! Builds the programs of one Go module into the cache, or finds them there.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::module::Module;
use super::{Error, cache};
use crate::progress::Progress;

/// Lines of the compiler that are quoted when it fails.
const QUOTED_LINES: usize = 20;

/// The folder that holds the programs of `module`, complete.
pub(super) fn obtain(module: &Module, cache: &Path) -> Result<PathBuf, Error> {
    let shelf = cache.join("tools").join(module.name);
    let key = module.key()?;
    let go = match go_version(module) {
        Ok(version) => version,
        // Whoever built with a Go that has since gone can go on using what was built.
        Err(error) => return built_by_any_go(module, &shelf, &key).ok_or(error),
    };
    let folder = shelf.join(format!("{key}-{go}"));
    if is_complete(module, &folder) {
        return Ok(folder);
    }
    let _lock = cache::lock(&shelf.join("lock"))?;
    // Whoever held the lock before may just have built it.
    if !is_complete(module, &folder) {
        remove_interrupted_builds(&shelf)?;
        // A name of our own: a compiler that outlived an interrupted build must not write into it.
        let partial = format!("partial-{key}-{}", std::process::id());
        build(module, &shelf.join(partial), &folder)?;
    }
    Ok(folder)
}

/// The same folder, where nothing has to be built for it.
pub(super) fn find(module: &Module, cache: &Path) -> Result<Option<PathBuf>, Error> {
    let shelf = cache.join("tools").join(module.name);
    let key = module.key()?;
    let Ok(go) = go_version(module) else {
        return Ok(built_by_any_go(module, &shelf, &key));
    };
    let folder = shelf.join(format!("{key}-{go}"));
    Ok(is_complete(module, &folder).then_some(folder))
}

fn build(module: &Module, partial: &Path, folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::PrepareCache {
        path: folder.to_owned(),
        source,
    };
    cache::create(partial)?;
    let title = format!("building {} {} with Go", module.name, module.version()?);
    let mut progress = Progress::start(title, module.expected);
    for (program, package) in module.programs {
        compile(module, package, &partial.join(program), &mut progress)?;
    }
    if folder.exists() {
        // Somebody removed single programs by hand: what is left is of no use.
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::rename(partial, folder).map_err(failed)?;
    progress.finish();
    Ok(())
}

fn compile(
    module: &Module,
    package: &str,
    output: &Path,
    progress: &mut Progress,
) -> Result<(), Error> {
    let mut command = go(module);
    command.args([
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        &module.linker_flags()?,
        "-o",
    ]);
    command.arg(output).arg(package).env("CGO_ENABLED", "0");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let run = |source| module.needs_go(source);

    let mut child = command.spawn().map_err(run)?;
    let mut tail = VecDeque::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            progress.update(&line);
            if tail.len() == QUOTED_LINES {
                tail.pop_front();
            }
            tail.push_back(line);
        }
    }
    let status = child.wait().map_err(run)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Build {
        tool: module.name,
        command: format!("go build {package}"),
        status: status.to_string(),
        tail: Vec::from(tail).join("\n"),
    })
}

/// Asked inside the module's folder, because `go.mod` may ask for a newer toolchain.
fn go_version(module: &Module) -> Result<String, Error> {
    let run = |source| module.needs_go(source);
    let output = go(module)
        .args(["env", "GOVERSION"])
        .output()
        .map_err(run)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && version.starts_with("go") {
        return Ok(version);
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(run(io::Error::other(text)))
}

fn go(module: &Module) -> Command {
    let mut command = Command::new("go");
    // Flags and workspaces of the developer's own must not change what is built.
    command
        .current_dir(module.folder())
        .env("GOWORK", "off")
        .env_remove("GOFLAGS");
    command
}

fn built_by_any_go(module: &Module, shelf: &Path, key: &str) -> Option<PathBuf> {
    let prefix = format!("{key}-");
    let entries = fs::read_dir(shelf).ok()?.filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .find(|folder| is_complete(module, folder))
}

fn is_complete(module: &Module, folder: &Path) -> bool {
    module
        .programs
        .iter()
        .all(|(program, _)| folder.join(program).is_file())
}

/// Called with the lock held: nobody else can be in the middle of one.
fn remove_interrupted_builds(shelf: &Path) -> Result<(), Error> {
    let failed = |source| Error::PrepareCache {
        path: shelf.to_owned(),
        source,
    };
    for entry in fs::read_dir(shelf).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with("partial-") {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_built_folder_is_not_complete_and_is_removed_by_the_next_build() {
        let shelf = tempfile::tempdir().unwrap();
        let partial = shelf.path().join("partial-0123456789ab");
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("kubectl"), "").unwrap();
        assert!(!is_complete(&Module::KUBERNETES, &partial));
        remove_interrupted_builds(shelf.path()).unwrap();
        assert!(!partial.exists());
    }

    #[test]
    fn programs_are_found_without_go_when_the_key_matches() {
        let shelf = tempfile::tempdir().unwrap();
        let folder = shelf.path().join("0123456789ab-go1.26.8");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("etcd"), "").unwrap();
        let find = |key| built_by_any_go(&Module::ETCD, shelf.path(), key);
        assert_eq!(find("0123456789ab"), Some(folder.clone()));
        assert_eq!(find("ffffffffffff"), None);
    }
}
