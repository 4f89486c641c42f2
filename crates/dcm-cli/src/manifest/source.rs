//! Files, folders and standard input, as text.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::file;

/// A text with its name.
pub(super) struct Source {
    pub(super) name: String,
    /// The folder that it is in; none for standard input.
    pub(super) folder: Option<PathBuf>,
    pub(super) text: String,
}

/// Reads files, standard input for `-`, and of folders the files that end in `.yaml`, `.yml` or
/// `.json`, by name.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for path in files {
        if path.is_dir() {
            for inner in files_of(path)? {
                sources.push(read_one(&inner)?);
            }
        } else {
            sources.push(read_one(path)?);
        }
    }
    Ok(sources)
}

fn read_one(path: &Path) -> Result<Source, Error> {
    let piped = path == Path::new("-");
    Ok(Source {
        name: path.display().to_string(),
        folder: path.parent().filter(|_| !piped).map(Path::to_owned),
        text: file::read_text(path)?,
    })
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        paths.collect()
    };
    let mut files = listed().map_err(|source| Error::ReadFile {
        path: folder.to_owned(),
        source,
    })?;
    files.retain(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        path.is_file() && matches!(extension, Some("yaml" | "yml" | "json"))
    });
    files.sort();
    Ok(files)
}
