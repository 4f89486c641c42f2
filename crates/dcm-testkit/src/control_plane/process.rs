//! One child process that ends with its owner, however the owner ends.
//!
//! A value in a `static` is never dropped and a process killed outright drops nothing, so `Drop` alone
//! does not do. Each program runs under a small shell whose standard input is a pipe that we
//! hold: the kernel closes it when we are gone, the shell reads the end of it and kills its child.
//! The shell is the child's parent, so the process id it signals cannot have been taken over.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Arguments: log file, program, arguments of the program. Prints the process id of the program.
///
/// Descriptor 3 keeps the pipe for the watcher alone; the shell gives background commands an
/// empty standard input otherwise.
const SUPERVISOR: &str = r#"
exec 3<&0 </dev/null
log=$1; shift
"$@" 3<&- >>"$log" 2>&1 &
child=$!
{ read -r _ <&3; kill -KILL "$child"; } >/dev/null 2>&1 &
watcher=$!
exec 3<&-
echo "$child"
exec >/dev/null 2>&1
wait "$child"; code=$?
kill "$watcher"
exit "$code"
"#;

/// Argument: a folder. Removed when the pipe closes; tried for a while, since those who write
/// into it are being killed at the same moment.
const JANITOR: &str = r#"
read -r _
tries=0
while [ -e "$1" ] && [ "$tries" -lt 100 ]; do
  rm -rf -- "$1"
  tries=$((tries + 1))
  [ -e "$1" ] && sleep 0.1
done
"#;

/// The longest that a process takes to stop. One that waits for a disk takes longest.
const STOPPING: Duration = Duration::from_secs(10);

/// A running program; killed when dropped.
pub struct Process {
    supervisor: Supervisor,
    pid: Pid,
}

impl Process {
    /// Starts a program in the present folder; both of its streams are appended to `log`.
    pub fn spawn(program: &Path, arguments: &[String], log: &Path) -> io::Result<Self> {
        let mut command = supervised(SUPERVISOR);
        command
            .arg(log)
            .arg(program)
            .args(arguments)
            .stdout(Stdio::piped());
        let mut supervisor = Supervisor::spawn(&mut command)?;
        let mut line = String::new();
        if let Some(stdout) = supervisor.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the shell told no process id"))?;
        Ok(Self { supervisor, pid })
    }

    /// Its process id: of the program, not of the shell above it.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Where the process has ended by itself: how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.supervisor.child.try_wait().ok().flatten()
    }

    /// Returns when nothing of it runs any more: a thread on another processor goes on until the signal gets there.
    pub(crate) fn freeze(&mut self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        let until = Instant::now() + STOPPING;
        while !self.is_stopped()? {
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Whether all of its threads are stopped; see `proc_pid_stat(5)`.
    fn is_stopped(&self) -> io::Result<bool> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            // One that has ended meanwhile runs no more.
            let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else {
                continue;
            };
            // The name before it may hold anything, a bracket too.
            let state = stat
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next());
            if !matches!(state, Some('T' | 't' | 'Z' | 'X')) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn thaw(&mut self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.ended().is_some() {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(kill_process(self.pid, signal)?)
    }
}

/// A temporary folder that is removed with its owner, however the owner ends.
pub struct Folder {
    path: PathBuf,
    _janitor: Supervisor,
}

impl Folder {
    /// Makes a new one; `prefix` begins its name.
    pub fn create(prefix: &str) -> io::Result<Self> {
        // Until the janitor runs, the guard of the temporary folder does its work.
        let folder = tempfile::Builder::new().prefix(prefix).tempdir()?;
        let janitor =
            Supervisor::spawn(supervised(JANITOR).arg(folder.path()).stdout(Stdio::null()))?;
        Ok(Self {
            path: folder.keep(),
            _janitor: janitor,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Faster than the janitor, who makes a second try right after if this one fails.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A shell that acts when its standard input ends, which is at the latest when we are gone.
struct Supervisor {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Supervisor {
    fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.pipe = None;
        // Only a shell that was never started cannot be waited for.
        let _ = self.child.wait();
    }
}

/// A shell in a process group of its own, so that Ctrl-C at the terminal reaches the owner only
/// and everything ends in the one way that is tested.
fn supervised(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "dcm-testkit-supervisor"]);
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn wait_for(mut condition: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if condition() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    fn spawn(folder: &Path, script: &str) -> Process {
        let arguments = ["-c".to_owned(), script.to_owned()];
        Process::spawn(Path::new("sh"), &arguments, &folder.join("log")).unwrap()
    }

    #[test]
    fn dropping_kills_even_a_frozen_process_that_ignores_signals() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = spawn(
            folder.path(),
            "trap '' TERM INT HUP; while :; do sleep 0.1; done",
        );
        let proc_entry = PathBuf::from(format!("/proc/{}", process.pid()));
        process.freeze().unwrap();
        drop(process);
        assert!(!proc_entry.exists());
    }

    #[test]
    fn output_goes_to_the_log_and_the_exit_code_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = spawn(folder.path(), "echo out; echo err >&2; exit 7");
        assert!(wait_for(|| process.ended().is_some()));
        assert_eq!(process.ended().unwrap().code(), Some(7));
        assert!(process.freeze().is_err());
        assert_eq!(
            fs::read_to_string(folder.path().join("log")).unwrap(),
            "out\nerr\n"
        );
    }

    #[test]
    fn the_folder_goes_when_dropped() {
        let folder = Folder::create("dcm-test-").unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join("file"), "content").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
