//! A process that holds one control plane, and the folder by which later commands find it again.
//!
//! The holder keeps a lock on a file in the folder for as long as it lives. So the lock, and not
//! a number that the kernel may have given to somebody else since, says whether the process id in the
//! folder is still that of our holder; only then is it signalled.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dcm_testkit::ControlPlane;
use dcm_testkit::assets::cache;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

const LOOK_INTERVAL: Duration = Duration::from_millis(50);
const END_DEADLINE: Duration = Duration::from_secs(20);

/// What a holder tells about its control plane once it works.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    pub(super) pid: i32,
    pub(super) address: SocketAddr,
    pub(super) version: String,
    /// Where the control plane has its data and logs.
    folder: PathBuf,
}

/// The folder of one control plane in the cache.
pub(super) struct Place {
    folder: PathBuf,
}

impl Place {
    pub(super) fn all() -> Result<Vec<Self>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(shelf()?)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        // By number: 10 comes after 2.
        folders.sort_by_key(|folder: &PathBuf| (folder.as_os_str().len(), folder.clone()));
        Ok(folders.into_iter().map(|folder| Self { folder }).collect())
    }

    pub(super) fn name(&self) -> String {
        self.folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// `None` while it starts, or when it never got so far.
    pub(super) fn state(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.state_file()).ok()?).ok()
    }

    pub(super) fn is_held(&self) -> bool {
        let lock = File::open(self.lock_file());
        lock.is_ok_and(|lock| lock.try_lock().is_err())
    }

    /// Ends the holder, which ends the control plane; then removes the folder.
    pub(super) fn end(&self) -> Result<()> {
        let state = self.state();
        if self.is_held() {
            let pid = state.as_ref().and_then(|state| Pid::from_raw(state.pid));
            let Some(pid) = pid else {
                bail!("{} is only starting: try again when it is up", self.name());
            };
            kill_process(pid, Signal::TERM)?;
            wait("the holder to end", || !self.is_held())?;
        }
        if let Some(state) = state {
            wait("the processes to end", || !state.folder.exists())?;
        }
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// Takes the lowest number that is free.
    fn create() -> Result<Self> {
        let shelf = shelf()?;
        for number in 1..=u16::MAX {
            let folder = shelf.join(number.to_string());
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self { folder }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("making a folder for a control plane"),
            }
        }
        bail!("all numbers are taken");
    }

    fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }
}

/// A holder that was just started.
pub(super) struct Holder {
    place: Place,
    child: Child,
}

impl Holder {
    pub(super) fn wait_until_ready(mut self) -> Result<Place> {
        loop {
            if self.place.state().is_some() {
                return Ok(self.place);
            }
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.place.log_file()).unwrap_or_default();
                fs::remove_dir_all(&self.place.folder)?;
                bail!(
                    "the control plane did not start ({status}):\n{}",
                    log.trim_end()
                );
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

/// Starts a holder in the background, free of this terminal.
pub(super) fn spawn() -> Result<Holder> {
    let place = Place::create()?;
    let log = File::create(place.log_file())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["kube", "hold"]).arg(&place.folder);
    command.process_group(0).stdin(Stdio::null());
    command.stdout(log.try_clone()?).stderr(log);
    let child = command.spawn().context("starting a holder")?;
    Ok(Holder { place, child })
}

/// The holder itself: starts the control plane, tells about it, and stays.
pub(super) fn hold(folder: &Path) -> Result<()> {
    let place = Place {
        folder: folder.to_owned(),
    };
    let lock = File::create(place.lock_file())?;
    lock.lock()?;
    let control_plane = ControlPlane::start()?;
    let mut options = File::options();
    let kubeconfig = options.write(true).create(true).truncate(true).mode(0o600);
    std::io::Write::write_all(
        &mut kubeconfig.open(place.kubeconfig())?,
        control_plane.kubeconfig().as_bytes(),
    )?;
    let state = State {
        pid: i32::try_from(std::process::id())?,
        address: control_plane.address(),
        version: control_plane.version()?,
        folder: control_plane.folder().to_owned(),
    };
    let partial = place.folder.join("state.partial");
    fs::write(&partial, serde_json::to_vec_pretty(&state)?)?;
    fs::rename(partial, place.state_file())?;
    loop {
        thread::park();
    }
}

fn shelf() -> Result<PathBuf> {
    let shelf = cache::folder()?.join("kube");
    fs::create_dir_all(&shelf)?;
    Ok(shelf)
}

fn wait(what: &str, condition: impl Fn() -> bool) -> Result<()> {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() >= END_DEADLINE {
            bail!("still waiting for {what} after {}s", END_DEADLINE.as_secs());
        }
        thread::sleep(LOOK_INTERVAL);
    }
    Ok(())
}
