//! Reading what is uploaded, and writing credentials to files that only their owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Largest file that is read for an upload; the server has a limit of its own.
const UPLOAD_LIMIT: u64 = 1024 * 1024;

/// Reads a text file, or standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        let mut source: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path)?)
        };
        source
            .by_ref()
            .take(UPLOAD_LIMIT + 1)
            .read_to_string(&mut text)?;
        if text.len() as u64 > UPLOAD_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "larger than 1 MiB",
            ));
        }
        Ok(text)
    };
    read().map_err(|source| Error::ReadFile {
        path: path.to_owned(),
        source,
    })
}

/// Writes a secret: readable by its owner only, and as a whole or not at all. What was at the path
/// is replaced, whatever its mode was.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Error> {
    let written = (|| {
        let (temporary, mut file) = create_beside(path)?;
        let outcome = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, path));
        if outcome.is_err() {
            // The first error is the one to report; a left-over is still readable by its owner only.
            let _ = fs::remove_file(&temporary);
        }
        outcome
    })();
    written.map_err(|source| Error::WriteFile {
        path: path.to_owned(),
        source,
    })
}

/// Writes a secret into a file that must not be there yet, readable by its owner only.
pub(crate) fn create_secret(path: &Path, text: &str) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| Error::WriteFile {
        path: path.to_owned(),
        source,
    })
}

/// A new file in the same folder, so that the rename stays within one file system.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    for attempt in 0..16_u32 {
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{attempt}", std::process::id()));
        let beside = path.with_file_name(beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => return outcome.map(|file| (beside, file)),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "sixteen files of earlier attempts lie beside it",
    ))
}
