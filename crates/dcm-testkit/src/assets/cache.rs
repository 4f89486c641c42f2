//! The folder for everything that takes long to make: tools built once, kept between runs.
//!
//! It lies outside the work tree, so that a clean checkout stays clean and can be thrown away.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::Error;
use crate::progress;

/// The cache folder; made when it is not there.
pub fn folder() -> Result<PathBuf, Error> {
    let folder =
        choose(|variable| env::var_os(variable).map(PathBuf::from)).ok_or(Error::LocateCache)?;
    create(&folder)?;
    Ok(folder)
}

/// Keeps two processes from making the same thing at once; waits, and says so, while another does.
///
/// The lock is given up when the file is dropped, and by the kernel when the process dies.
pub fn lock(path: &Path) -> Result<File, Error> {
    if let Some(parent) = path.parent() {
        create(parent)?;
    }
    let failed = |source| Error::PrepareCache {
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failed)?;
    if file.try_lock().is_err() {
        progress::plain(&format!(
            "waiting for another process that holds {}",
            path.display()
        ));
        file.lock().map_err(failed)?;
    }
    Ok(file)
}

pub(super) fn create(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::PrepareCache {
        path: path.to_owned(),
        source,
    })
}

fn choose(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // An empty or relative path would depend on the current folder: treated as not set.
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    absolute("DCM_CACHE_DIR")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|path| path.join("dcm")))
        .or_else(|| absolute("HOME").map(|path| path.join(".cache").join("dcm")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_absolute_variable_wins() {
        let cases = [
            ("DCM_CACHE_DIR=/a XDG_CACHE_HOME=/b HOME=/c", Some("/a")),
            ("XDG_CACHE_HOME=/b HOME=/c", Some("/b/dcm")),
            ("DCM_CACHE_DIR= HOME=/c", Some("/c/.cache/dcm")),
            ("DCM_CACHE_DIR=relative HOME=/c", Some("/c/.cache/dcm")),
            ("", None),
        ];
        for (environment, expected) in cases {
            let lookup = |name: &str| {
                let mut pairs = environment
                    .split(' ')
                    .filter_map(|pair| pair.split_once('='));
                pairs
                    .find(|(variable, _)| *variable == name)
                    .map(|(_, value)| value.into())
            };
            assert_eq!(choose(lookup), expected.map(PathBuf::from), "{environment}");
        }
    }

    #[test]
    fn a_lock_can_be_taken_again_after_it_was_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/on/the/way.lock");
        drop(lock(&path).unwrap());
        drop(lock(&path).unwrap());
    }
}
