//! A folder of its own for each test, the binary run in it, and a server that ends with the test.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// All of it in one text, for snapshots.
    pub(crate) fn shown(&self) -> String {
        let lines = |text: &str| text.trim_end().to_owned();
        format!(
            "exit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            lines(&self.stdout),
            lines(&self.stderr)
        )
    }

    /// The run must have been fine.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.shown());
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("no JSON on standard output ({error}): {}", self.shown())
        })
    }
}

/// A folder in which the binary runs, without the environment of whoever runs the tests.
pub(crate) struct Environment {
    directory: TempDir,
    server: Option<String>,
}

impl Environment {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            server: None,
        }
    }

    /// Commands talk to this server from now on.
    pub(crate) fn talk_to(&mut self, url: &str) {
        self.server = Some(url.to_owned());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcm"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null());
        if let Some(server) = &self.server {
            command.env("DCM_SERVER", server);
        }
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn dcm<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Outcome {
        self.dcm_with(arguments, &[])
    }

    /// Runs the binary to its end, with variables in its environment.
    pub(crate) fn dcm_with<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        variables: &[(&str, &str)],
    ) -> Outcome {
        let child = self
            .command(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        end_of(child)
    }

    /// Starts a server in this folder; commands talk to it from now on.
    pub(crate) fn serve(&mut self) -> Server {
        self.serve_with(&[])
    }

    /// Starts a server with more arguments.
    pub(crate) fn serve_with(&mut self, more: &[&str]) -> Server {
        self.serve_logging_to(more, Stdio::piped())
    }

    /// Starts a server whose log goes somewhere: one that says much would fill a pipe that nobody reads.
    pub(crate) fn serve_logging_to(&mut self, more: &[&str], log: impl Into<Stdio>) -> Server {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
        let mut child = self
            .command(&[&fixed[..], more].concat())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let log = child.stderr.take();
        let Some(url) = url_in(&line) else {
            let _ = child.kill();
            let mut told = String::new();
            if let Some(mut log) = log {
                log.read_to_string(&mut told).unwrap();
            }
            panic!("the server did not start: {line}{told}");
        };
        self.talk_to(&url);
        Server {
            child,
            log,
            line,
            url,
        }
    }
}

/// Waits for the end of a run, whose output is read meanwhile; one that does not end is a failure.
fn end_of(mut child: Child) -> Outcome {
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |mut pipe: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        })
    };
    let stdout = read(Box::new(stdout));
    let stderr = read(Box::new(stderr));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if began.elapsed() > DEADLINE {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let outcome = Outcome {
        code: status.and_then(|status| status.code()).unwrap_or(-1),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    };
    assert!(
        status.is_some(),
        "the run does not end: {}",
        outcome.shown()
    );
    outcome
}

fn url_in(line: &str) -> Option<String> {
    let start = line.find("http://")?;
    let rest = &line[start..];
    let end = rest.find(|c: char| c.is_whitespace() || c == ',')?;
    Some(rest[..end].to_owned())
}

/// A server that runs; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Option<ChildStderr>,
    /// What it said when it was ready.
    pub(crate) line: String,
    pub(crate) url: String,
}

impl Server {
    /// Asks it to end with SIGTERM, and waits. Gives the exit code, the time it took, and its log.
    pub(crate) fn terminate(mut self) -> (i32, Duration, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let began = Instant::now();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            assert!(began.elapsed() < DEADLINE, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let elapsed = began.elapsed();
        let mut log = String::new();
        if let Some(mut pipe) = self.log.take() {
            pipe.read_to_string(&mut log).unwrap();
        }
        (code, elapsed, log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
