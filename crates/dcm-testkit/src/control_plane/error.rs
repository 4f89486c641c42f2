//! What can go wrong with a control plane, always with the words of the process that failed.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::assets;

/// Lines of each log that an error quotes: enough for the reason, short enough to read.
const QUOTED_LINES: usize = 15;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Assets(#[from] assets::Error),
    #[error("making certificates for a control plane")]
    Certificates(#[from] rcgen::Error),
    #[error("preparing the folder of a control plane")]
    PrepareFolder(#[source] io::Error),
    #[error("finding free loopback ports")]
    FindPorts(#[source] io::Error),
    #[error("starting {program}")]
    Spawn {
        program: &'static str,
        source: io::Error,
    },
    #[error("signalling {program}")]
    Signal {
        program: &'static str,
        source: io::Error,
    },
    #[error("{program} ended by itself ({status}); its last lines:\n{logs}")]
    Ended {
        program: &'static str,
        status: String,
        logs: String,
    },
    #[error("still waiting for {what} after {}s; last lines of the logs:\n{logs}", waited.as_secs())]
    NotReady {
        what: &'static str,
        waited: Duration,
        logs: String,
    },
    #[error("{program} is not running")]
    NotRunning { program: &'static str },
    #[error("asking the API server")]
    Ask(#[source] io::Error),
    #[error("the API server answered {status}: {body}")]
    Refused { status: u16, body: String },
}

impl Error {
    /// Another process took a port between our look and the server's bind: worth another try.
    pub(super) fn is_port_clash(&self) -> bool {
        matches!(self, Self::Ended { logs, .. } if logs.contains("address already in use"))
    }
}

/// The last lines of every log in `folder`, under the name of each.
pub(crate) fn last_lines_of_logs(folder: &Path, programs: &[&str]) -> String {
    let mut quoted = String::new();
    for program in programs {
        let text = fs::read(log_file(folder, program)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        // Writing to a String cannot fail.
        let _ = writeln!(quoted, "--- {program}");
        for line in lines.iter().skip(lines.len().saturating_sub(QUOTED_LINES)) {
            let _ = writeln!(quoted, "{line}");
        }
    }
    quoted
}

pub(crate) fn log_file(folder: &Path, program: &str) -> std::path::PathBuf {
    folder.join(format!("{program}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_of_a_log_are_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let text = (0..100).fold(String::new(), |text, line| format!("{text}line {line}\n"));
        fs::write(log_file(folder.path(), "etcd"), text).unwrap();
        let quoted = last_lines_of_logs(folder.path(), &["etcd", "kube-apiserver"]);
        assert!(quoted.starts_with("--- etcd\nline 85\n"), "{quoted}");
        assert!(
            quoted.ends_with("line 99\n--- kube-apiserver\n"),
            "{quoted}"
        );
    }

    #[test]
    fn a_port_clash_is_told_from_other_failures() {
        let ended = |logs: &str| Error::Ended {
            program: "etcd",
            status: "exit status: 1".into(),
            logs: logs.into(),
        };
        assert!(ended("listen tcp 127.0.0.1:1: bind: address already in use").is_port_clash());
        assert!(!ended("unknown flag: --colour").is_port_clash());
    }
}
