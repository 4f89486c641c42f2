//! The three processes of a control plane: in which order they start, and when each one works.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::{Error, last_lines_of_logs, log_file};
use super::flags::{self, API_SERVER, CONTROLLER_MANAGER, ETCD};
use super::process::Process;
use super::{ControlPlane, Ipv4Addr};

/// Far above the few seconds it takes, for machines that compile at the same time.
const START_DEADLINE: Duration = Duration::from_mins(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// Written by the controller manager into every namespace, and again whenever it is missing.
const SIGN_OF_LIFE: &str = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt";

#[derive(Default)]
pub(super) struct Servers {
    // Dropped in this order: nobody logs that somebody else has gone.
    controller_manager: Option<Process>,
    api_server: Option<Process>,
    etcd: Option<Process>,
}

impl Servers {
    pub(super) fn start(&mut self, of: &ControlPlane) -> Result<(), Error> {
        let folder = of.folder();
        let etcd = spawn(
            ETCD,
            &of.assets.etcd,
            &flags::etcd(folder, of.numbers),
            folder,
        )?;
        self.etcd = Some(etcd);
        let client_port = SocketAddr::from((Ipv4Addr::LOCALHOST, of.numbers.etcd_client));
        self.wait("etcd to listen", folder, || {
            TcpStream::connect(client_port).is_ok()
        })?;

        let arguments = flags::api_server(folder, of.numbers);
        self.api_server = Some(spawn(
            API_SERVER,
            &of.assets.kube_apiserver,
            &arguments,
            folder,
        )?);
        self.wait("the API server to be ready", folder, || {
            of.ask("GET", "/readyz").is_ok()
        })?;
        self.start_controller_manager(of)
    }

    pub(super) fn start_controller_manager(&mut self, of: &ControlPlane) -> Result<(), Error> {
        self.controller_manager = None;
        // What the one before left must not pass for the work of the new one.
        match of.ask("DELETE", SIGN_OF_LIFE) {
            Ok(_) | Err(Error::Refused { status: 404, .. }) => {}
            Err(error) => return Err(error),
        }
        let folder = of.folder();
        let program = &of.assets.kube_controller_manager;
        let arguments = flags::controller_manager(folder);
        self.controller_manager = Some(spawn(CONTROLLER_MANAGER, program, &arguments, folder)?);
        let works = || of.ask("GET", SIGN_OF_LIFE).is_ok();
        self.wait("the controller manager to work", folder, works)
    }

    pub(super) fn stop_controller_manager(&mut self) {
        self.controller_manager = None;
    }

    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.api_server
            .as_mut()
            .is_some_and(|process| process.ended().is_none())
    }

    pub(super) fn freeze(&mut self) -> Result<(), Error> {
        let signalled = self.running_api_server()?.freeze();
        signalled.map_err(|source| Error::Signal {
            program: API_SERVER,
            source,
        })
    }

    pub(super) fn thaw(&mut self) -> Result<(), Error> {
        let signalled = self.running_api_server()?.thaw();
        signalled.map_err(|source| Error::Signal {
            program: API_SERVER,
            source,
        })
    }

    pub(super) fn processes(&mut self) -> Vec<(&'static str, u32)> {
        self.each()
            .into_iter()
            .map(|(program, process)| (program, process.pid()))
            .collect()
    }

    fn running_api_server(&mut self) -> Result<&mut Process, Error> {
        self.api_server.as_mut().ok_or(Error::NotRunning {
            program: API_SERVER,
        })
    }

    fn each(&mut self) -> Vec<(&'static str, &mut Process)> {
        [
            (ETCD, &mut self.etcd),
            (API_SERVER, &mut self.api_server),
            (CONTROLLER_MANAGER, &mut self.controller_manager),
        ]
        .into_iter()
        .filter_map(|(program, process)| Some((program, process.as_mut()?)))
        .collect()
    }

    /// Waits for `condition`, and gives up early when a process has ended by itself.
    fn wait(
        &mut self,
        what: &'static str,
        folder: &Path,
        condition: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            for (program, process) in self.each() {
                if let Some(status) = process.ended() {
                    let logs = last_lines_of_logs(folder, &[program]);
                    return Err(Error::Ended {
                        program,
                        status: status.to_string(),
                        logs,
                    });
                }
            }
            if condition() {
                return Ok(());
            }
            if started.elapsed() >= START_DEADLINE {
                let logs = last_lines_of_logs(folder, &[ETCD, API_SERVER, CONTROLLER_MANAGER]);
                return Err(Error::NotReady {
                    what,
                    waited: started.elapsed(),
                    logs,
                });
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

fn spawn(
    program: &'static str,
    path: &Path,
    arguments: &[String],
    folder: &Path,
) -> Result<Process, Error> {
    Process::spawn(path, arguments, &log_file(folder, program))
        .map_err(|source| Error::Spawn { program, source })
}
