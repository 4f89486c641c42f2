//! A `dcm serve` of our own: started on a folder, awaited until it is ready, ended with its owner.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dcm_testkit::Process;
use rustix::process::{Pid, Signal, kill_process};

use crate::http::Connection;
use crate::workspace;

const READY_DEADLINE: Duration = Duration::from_secs(30);
/// Short, because the time to readiness is one of the figures.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// Lines of the log that an error quotes.
const QUOTED_LINES: usize = 20;
/// Before the address, in the line with which the server says that it listens.
const ANNOUNCEMENT: &str = "serves http://";

/// Which build of `dcm` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Builds `dcm`, with cargo's own progress, and says where it is.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    let mut command = workspace::cargo(["build", "--locked", "--package", "dcm", "--bin", "dcm"]);
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    workspace::run(&mut command)?;
    let target = workspace::metadata()?.target_directory;
    Ok(target.join(folder).join("dcm").into())
}

/// A server that is ready.
pub(crate) struct Server {
    process: Process,
    address: SocketAddr,
    log: PathBuf,
    took: Duration,
}

impl Server {
    /// Starts one with the configuration file `dcm.toml` of the folder, which also gets its log.
    pub(crate) fn start(dcm: &Path, folder: &Path, listen: SocketAddr) -> Result<Self> {
        let log = folder.join("serve.log");
        let path = |name: &str| folder.join(name).display().to_string();
        let arguments = [
            "serve".to_owned(),
            format!("--config={}", path("dcm.toml")),
            format!("--data-dir={}", path("data")),
            format!("--listen={listen}"),
        ];
        // What an earlier server in this folder said is not what this one says.
        let offset = fs::metadata(&log).map_or(0, |log| log.len());
        let began = Instant::now();
        let mut process = Process::spawn(dcm, &arguments, &log).context("starting dcm serve")?;
        loop {
            if let Some(address) = announced(&log, offset)
                && is_ready(address)
            {
                let took = began.elapsed();
                return Ok(Self {
                    process,
                    address,
                    log,
                    took,
                });
            }
            if let Some(status) = process.ended() {
                bail!("dcm serve ended ({status}):\n{}", last_lines(&log));
            }
            if began.elapsed() > READY_DEADLINE {
                bail!(
                    "dcm serve is not ready after {READY_DEADLINE:?}:\n{}",
                    last_lines(&log)
                );
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the start of the process until it said that it is ready.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Asks it to end, as an operator would, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.process.pid())
            .ok()
            .and_then(Pid::from_raw);
        kill_process(pid.context("no process")?, Signal::TERM)?;
        let began = Instant::now();
        while self.process.ended().is_none() {
            if began.elapsed() > READY_DEADLINE {
                bail!("dcm serve does not end:\n{}", self.last_lines());
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn last_lines(&self) -> String {
        last_lines(&self.log)
    }
}

/// The usual address if nobody has it, so that client commands need no `--server`; else any.
pub(crate) fn usual_address() -> SocketAddr {
    let usual = SocketAddr::from(([127, 0, 0, 1], 9077));
    if TcpListener::bind(usual).is_ok() {
        return usual;
    }
    any_address()
}

/// A port that the system chooses.
pub(crate) fn any_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn announced(log: &Path, offset: u64) -> Option<SocketAddr> {
    let text = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(text.get(usize::try_from(offset).ok()?..)?).into_owned();
    let (_, rest) = text.split_once(ANNOUNCEMENT)?;
    // Without what follows, a line that is only half written could pass for the whole.
    rest.split_once(' ')?.0.parse().ok()
}

fn is_ready(address: SocketAddr) -> bool {
    let answer = Connection::open(address).and_then(|mut c| c.send("GET", "/readyz", ""));
    answer.is_ok_and(|answer| answer.status == 200)
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_announcement_of_this_start_counts() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let line = "dcm 0.1.0 serves http://127.0.0.1:4711 (this machine only), data in x\n";
        fs::write(&log, line).unwrap();
        assert_eq!(announced(&log, 0).unwrap().port(), 4711);
        assert_eq!(announced(&log, line.len() as u64), None);
        fs::write(&log, "dcm 0.1.0 serves http://127.0.0.1:47").unwrap();
        assert_eq!(announced(&log, 0), None);
    }
}
