//! Files that nobody but us may touch: how they are made, and how they are checked.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes the directory of a file, and its parents, with mode 0700; one that exists stays as it is.
pub(crate) fn create_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)
        }
        _ => Ok(()),
    }
}

/// Makes a new file with mode 0600; fails when something has the name already.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes a change of a directory's entries durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Why a file is not private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Its group or others have some right; the mode is given.
    Mode(u32),
    /// It belongs to another user; the user id is given.
    Owner(u32),
}

/// Whether somebody else than us may read or write a file.
pub(crate) fn exposure(metadata: &Metadata) -> Option<Exposure> {
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Some(Exposure::Mode(mode));
    }
    let owner = metadata.uid();
    (owner != rustix::process::geteuid().as_raw()).then_some(Exposure::Owner(owner))
}
