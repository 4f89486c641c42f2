//! A Kubernetes control plane of its own for a test: etcd, API server and controller manager.
//!
//! Lives in a temporary folder and on loopback ports, with a certificate authority of its own.
//! All of it ends with the value, or with the process that holds the value: see `process.rs`.
//!
//! Order matters when it starts: the API server gives up without etcd, and the controller manager
//! gives up without an API server that answers.

mod certificates;
mod client;
mod error;
mod flags;
mod kubeconfig;
mod ports;
mod process;
mod servers;
mod shared;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

pub(crate) use certificates::Authority;
#[cfg(feature = "kubesim")]
pub(crate) use certificates::Identity;
use client::Client;
pub use error::Error;
pub(crate) use error::{last_lines_of_logs, log_file};
use flags::PortNumbers;
#[cfg(feature = "kubesim")]
pub(crate) use kubeconfig::render as render_kubeconfig;
pub(crate) use ports::Port;
pub use process::{Folder, Process};
use servers::Servers;
pub use shared::shared_control_planes;

use crate::assets::{Assets, cache};

/// How often other ports are tried when somebody takes them under our nose.
const PORT_ATTEMPTS: usize = 4;

const ADMIN: &str = "testkit-admin";
/// The group that may do anything, by a binding that every API server makes itself.
const ADMIN_GROUP: &str = "system:masters";

/// A running control plane; ends when dropped.
///
/// All methods take `&self`, so that one value can serve all tests of a process.
pub struct ControlPlane {
    // Fields are dropped in this order: the servers end before their folder goes.
    servers: Mutex<Servers>,
    authority: Authority,
    client: Client,
    admin_kubeconfig: String,
    assets: Assets,
    numbers: PortNumbers,
    _ports: [Port; 3],
    folder: Folder,
}

impl ControlPlane {
    /// Starts one and waits until it works. Builds the programs first when they are not there.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&Assets::obtain()?)
    }

    /// Starts several at once.
    pub fn start_many(count: usize) -> Result<Vec<Self>, Error> {
        let assets = Assets::obtain()?;
        thread::scope(|scope| {
            let starting: Vec<_> = (0..count)
                .map(|_| scope.spawn(|| Self::start_with(&assets)))
                .collect();
            let started = starting.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            started.collect()
        })
    }

    /// Starts one from programs that the caller has.
    pub fn start_with(assets: &Assets) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            match Self::start_once(assets) {
                Err(error) if error.is_port_clash() && attempt < PORT_ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn start_once(assets: &Assets) -> Result<Self, Error> {
        let folder = Folder::create("dcm-control-plane-").map_err(Error::PrepareFolder)?;
        let locks = cache::folder()?.join("ports");
        let take = || Port::take(&locks).map_err(Error::FindPorts);
        let ports = [take()?, take()?, take()?];
        let numbers = PortNumbers {
            etcd_client: ports[0].number(),
            etcd_peer: ports[1].number(),
            api_server: ports[2].number(),
        };
        let address = address(numbers);
        let authority = Authority::create()?;
        let admin = authority.client(ADMIN, Some(ADMIN_GROUP))?;
        let client = Client::new(address, &authority.certificate(), &admin).map_err(Error::Ask)?;
        let admin_kubeconfig =
            kubeconfig::render(&server(address), &authority.certificate(), ADMIN, &admin);
        let control_plane = Self {
            servers: Mutex::default(),
            authority,
            client,
            admin_kubeconfig,
            assets: assets.clone(),
            numbers,
            _ports: ports,
            folder,
        };
        control_plane.write_files()?;
        control_plane.restart()?;
        Ok(control_plane)
    }

    fn write_files(&self) -> Result<(), Error> {
        self.authority.write_server_files(self.folder())?;
        let user = "system:kube-controller-manager";
        let manager = self.kubeconfig_for(user, None)?;
        for (path, content) in [
            (
                self.folder().join("controller-manager.kubeconfig"),
                manager.as_str(),
            ),
            (self.kubeconfig_path(), self.kubeconfig()),
        ] {
            certificates::write_private(&path, content).map_err(Error::PrepareFolder)?;
        }
        Ok(())
    }

    /// Stops whatever runs and starts all of it anew, on the same data and the same ports.
    pub fn restart(&self) -> Result<(), Error> {
        let mut servers = self.servers();
        servers.stop();
        servers.start(self)
    }

    /// Ends all three processes at once, without letting them say goodbye; the data are kept.
    pub fn stop(&self) {
        self.servers().stop();
    }

    /// Whether the API server process is there, frozen or not.
    pub fn is_running(&self) -> bool {
        self.servers().is_running()
    }

    /// Stops the API server in its tracks: connections are taken up, nothing is answered.
    pub fn freeze(&self) -> Result<(), Error> {
        self.servers().freeze()
    }

    /// Lets a frozen API server go on.
    pub fn thaw(&self) -> Result<(), Error> {
        self.servers().thaw()
    }

    /// From here on nothing is signed, no quota counted, and no namespace ever goes.
    pub fn stop_controller_manager(&self) {
        self.servers().stop_controller_manager();
    }

    /// Starts the controller manager again and waits until it works.
    pub fn start_controller_manager(&self) -> Result<(), Error> {
        self.servers().start_controller_manager(self)
    }

    /// Kubeconfig of an administrator, with everything embedded.
    pub fn kubeconfig(&self) -> &str {
        &self.admin_kubeconfig
    }

    /// The same in a file that is there as long as this value.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.folder().join("admin.kubeconfig")
    }

    /// Kubeconfig of any user, in one group at most, authenticated by a certificate of our own.
    pub fn kubeconfig_for(&self, user: &str, group: Option<&str>) -> Result<String, Error> {
        let identity = self.authority.client(user, group)?;
        Ok(kubeconfig::render(
            &self.server(),
            &self.authority.certificate(),
            user,
            &identity,
        ))
    }

    /// `kubectl` as the administrator; add arguments and run it.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.assets.kubectl);
        command.arg("--kubeconfig").arg(self.kubeconfig_path());
        // Beside the data of this control plane, so that nothing of it stays in the home folder.
        command
            .arg("--cache-dir")
            .arg(self.folder().join("kubectl-cache"));
        command
    }

    /// The certificate that signed the server's and that signs those of users, PEM.
    pub fn certificate_authority(&self) -> String {
        self.authority.certificate()
    }

    pub fn address(&self) -> SocketAddr {
        address(self.numbers)
    }

    /// `https://127.0.0.1:PORT`
    pub fn server(&self) -> String {
        server(self.address())
    }

    /// The version the API server gives, such as `v1.36.3`.
    pub fn version(&self) -> Result<String, Error> {
        let answer = self.ask("GET", "/version")?;
        let version: serde_json::Value = serde_json::from_str(&answer.body)
            .map_err(|error| Error::Ask(std::io::Error::other(error)))?;
        Ok(version["gitVersion"]
            .as_str()
            .unwrap_or("unknown")
            .to_owned())
    }

    /// Temporary folder with data, keys and the log of each process.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Process ids of the servers that run, by program.
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        self.servers().processes()
    }

    fn ask(&self, method: &str, path: &str) -> Result<client::Answer, Error> {
        let answer = self.client.ask(method, path).map_err(Error::Ask)?;
        if answer.status == 200 {
            return Ok(answer);
        }
        Err(Error::Refused {
            status: answer.status,
            body: answer.body,
        })
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        // A test that panicked in the middle leaves servers that can still be stopped.
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(numbers: PortNumbers) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, numbers.api_server))
}

fn server(address: SocketAddr) -> String {
    format!("https://{address}")
}
