//! Why the programs of a control plane cannot be had.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no cache folder: set DCM_CACHE_DIR, XDG_CACHE_HOME or HOME")]
    LocateCache,
    #[error("reading the tool module \"{path}\"")]
    ReadModule { path: PathBuf, source: io::Error },
    #[error(
        "Go is needed to build {tool}, and `go env GOVERSION` does not work: install Go 1.26 or newer \
         (Debian: golang-go; else the Go download page){instead}"
    )]
    RunGo {
        tool: &'static str,
        /// What to set in place of it, if that is possible.
        instead: String,
        source: io::Error,
    },
    #[error("building {tool}: `{command}` ended with {status}; its last lines:\n{tail}")]
    Build {
        tool: &'static str,
        command: String,
        status: String,
        tail: String,
    },
    #[error("making a Python environment for {package}: install python3 with its venv module")]
    RunPython {
        package: &'static str,
        source: io::Error,
    },
    #[error("`{command}` for {package} ended with {status}; its last lines:\n{tail}")]
    Install {
        package: &'static str,
        command: String,
        status: String,
        tail: String,
    },
    #[error("preparing the cache folder \"{path}\"")]
    PrepareCache { path: PathBuf, source: io::Error },
}
