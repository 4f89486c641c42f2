//! One control plane of a mesh: `pilot-discovery`, outside of the cluster that it serves.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::flags::{self, PortNumbers, Settings};
use super::{BundleFolder, Error, Member, Workload, signing};
use crate::assets::{IstioAssets, cache};
use crate::control_plane::{ControlPlane, Folder, Port, Process, last_lines_of_logs, log_file};

const PROGRAM: &str = "pilot-discovery";
/// Far above the few seconds it takes, for machines that compile at the same time.
const START_DEADLINE: Duration = Duration::from_mins(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Where one shall run, for which mesh, and with which files.
pub type Wanted<'a> = (&'a ControlPlane, Settings, Vec<(&'a str, &'a str)>);

/// A running control plane of a mesh; ends when dropped.
pub struct Istiod {
    // Fields are dropped in this order: the process ends before its folder goes.
    process: Mutex<Process>,
    bundle: BundleFolder,
    settings: Settings,
    numbers: PortNumbers,
    _ports: [Port; 5],
    folder: Folder,
}

impl Istiod {
    /// Starts one and waits until it signs. `files` are those of the Secret `cacerts`.
    pub fn start(
        of: impl Into<Member>,
        settings: &Settings,
        files: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let of = of.into();
        let assets = IstioAssets::obtain()?;
        let folder = Folder::create("dcm-istiod-").map_err(Error::PrepareFolder)?;
        let locks = cache::folder()?.join("ports");
        let take = || Port::take(&locks).map_err(Error::FindPorts);
        let ports = [take()?, take()?, take()?, take()?, take()?];
        let [http, https, grpc, secure_grpc, monitoring] = ports.each_ref().map(Port::number);
        let numbers = PortNumbers {
            http,
            https,
            grpc,
            secure_grpc,
            monitoring,
        };
        let bundle = BundleFolder::create(&folder.path().join("cacerts"), files)
            .map_err(Error::PrepareFolder)?;
        fs::write(folder.path().join("mesh.json"), settings.mesh().to_string())
            .map_err(Error::PrepareFolder)?;
        let arguments = flags::arguments(
            &assets.pilot_discovery,
            settings,
            folder.path(),
            of.kubeconfig(),
            numbers,
        );
        let log = log_file(folder.path(), PROGRAM);
        let process = Process::spawn(Path::new("env"), &arguments, &log);
        let process = process.map_err(|source| Error::Spawn {
            program: PROGRAM,
            source,
        })?;
        let istiod = Self {
            process: Mutex::new(process),
            bundle,
            settings: settings.clone(),
            numbers,
            _ports: ports,
            folder,
        };
        istiod.wait_until_ready()?;
        Ok(istiod)
    }

    /// Starts several at once.
    pub fn start_many(wanted: &[Wanted<'_>]) -> Result<Vec<Self>, Error> {
        // Before the threads, so that one of them builds and the others do not wait in its way.
        IstioAssets::obtain()?;
        thread::scope(|scope| {
            let starting: Vec<_> = wanted
                .iter()
                .map(|(of, settings, files)| scope.spawn(|| Self::start(*of, settings, files)))
                .collect();
            let started = starting.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            started.collect()
        })
    }

    /// Changes the files of the Secret, as a kubelet would some time after the Secret was changed.
    pub fn replace_bundle(&self, files: &[(&str, &str)]) -> io::Result<()> {
        self.bundle.replace(files)
    }

    /// Whether it signs with what it was given, and not with something that it made for itself.
    pub fn took_the_bundle(&self) -> bool {
        let log = self.log();
        log.contains("Use local CA certificate") && !log.contains("Use self-signed certificate")
    }

    /// The mesh that it was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(log_file(self.folder.path(), PROGRAM)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Gives a workload a certificate: for the service account, if there is one of this name.
    ///
    /// `anchors` are whom the workload takes, and by which the control plane itself is known.
    pub fn sign(
        &self,
        of: impl Into<Member>,
        namespace: &str,
        service_account: &str,
        anchors: &str,
    ) -> Result<Workload, Error> {
        let token = signing::token(&of.into(), namespace, service_account)?;
        self.sign_with_token(&token, anchors)
    }

    /// The same with a token that the caller has.
    pub fn sign_with_token(&self, token: &str, anchors: &str) -> Result<Workload, Error> {
        self.sign_for(signing::LIFE, token, anchors)
    }

    /// The same for a life that the caller wants.
    pub fn sign_for(&self, life: Duration, token: &str, anchors: &str) -> Result<Workload, Error> {
        let host = self.settings.host();
        let service = signing::Service {
            address: loopback(self.numbers.secure_grpc),
            host: &host,
            cluster: &self.settings.cluster,
            anchors,
            life,
        };
        service.certificate(token)
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        let started = Instant::now();
        let logs = || last_lines_of_logs(self.folder.path(), &[PROGRAM]);
        loop {
            let ended = self
                .process
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ended();
            if let Some(status) = ended {
                return Err(Error::Ended {
                    status: status.to_string(),
                    logs: logs(),
                });
            }
            // It says that it is ready just before it listens for workloads.
            let secure = loopback(self.numbers.secure_grpc);
            if self.says_ready() && TcpStream::connect(secure).is_ok() {
                return Ok(());
            }
            if started.elapsed() >= START_DEADLINE {
                return Err(Error::NotReady {
                    waited: started.elapsed(),
                    logs: logs(),
                });
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// What it answers at a path of its own HTTP server, head and body, such as `/debug/networkz`.
    pub fn ask(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(loopback(self.numbers.http))?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        // As to itself: only to such a caller it tells what it knows.
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn says_ready(&self) -> bool {
        let answer = self.ask("/ready");
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.0 200"))
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
