//! A server that speaks MongoDB's protocol, for tests of the store: `SecantusDB` from its Python package.
//!
//! It keeps its data in files, does transactions and change streams, and fails as told (`configureFailPoint`). It is
//! not MongoDB: where it differs, a test of the store names the difference. A real replica set takes its place
//! where [`REPLICA_SET_VARIABLE`] names one.

use std::env;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::assets::{self, cache, python};
use crate::control_plane::{self, Authority, Folder, Port, Process, last_lines_of_logs, log_file};

/// Connection string of a real replica set for the tests that need nothing else than one.
pub const REPLICA_SET_VARIABLE: &str = "DCM_TEST_MONGODB_URI";

const PACKAGE: &str = "SecantusDB";
const VERSION: &str = "0.7.0b3";
const PROGRAM: &str = "secantusd-py";
/// Far above the few seconds it takes, for machines that compile at the same time.
const START_DEADLINE: Duration = Duration::from_mins(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(30);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Assets(#[from] assets::Error),
    #[error("making the files of a MongoDB server")]
    Files(#[from] control_plane::Error),
    #[error("making certificates for a MongoDB server")]
    Certificates(#[from] rcgen::Error),
    #[error("preparing a MongoDB server")]
    Prepare(#[source] io::Error),
    #[error("signalling a MongoDB server")]
    Signal(#[source] io::Error),
    #[error("the MongoDB server does not listen; its last lines:\n{logs}")]
    NotReady { logs: String },
}

/// How a server differs from the usual one: a replica set of one member, open to everybody, in plain text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// It says that it is in no replica set.
    pub standalone: bool,
    /// It asks for user and password.
    pub authentication: bool,
    /// It speaks TLS only.
    pub tls: bool,
}

/// A running server on a loopback port; ends when dropped, with its data.
pub struct MongoServer {
    // Dropped before the folder goes.
    process: Mutex<Option<Process>>,
    settings: Mutex<Settings>,
    port: Port,
    folder: Folder,
}

impl MongoServer {
    /// Gets the program; called before tests so that they do not wait for it.
    pub fn obtain() -> Result<PathBuf, assets::Error> {
        let environment = python::environment(PACKAGE, VERSION)?;
        Ok(environment.join("bin").join(PROGRAM))
    }

    /// Starts one and waits until it listens.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let folder = Folder::create("dcm-mongodb-").map_err(Error::Prepare)?;
        Authority::create()?.write_server_files(folder.path())?;
        let locks = cache::folder()?.join("ports");
        let server = Self {
            process: Mutex::default(),
            settings: Mutex::new(settings),
            port: Port::take(&locks).map_err(Error::Prepare)?,
            folder,
        };
        server.restart()?;
        Ok(server)
    }

    /// Connection string, without a user.
    pub fn uri(&self) -> String {
        let port = self.port.number();
        let more = if self.settings().tls { "&tls=true" } else { "" };
        format!("mongodb://127.0.0.1:{port}/?directConnection=true{more}")
    }

    /// The certificate of the authority that signed the server's.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Ends it in the middle of whatever it does; the data are kept.
    pub fn kill(&self) {
        *self.process() = None;
    }

    /// Starts it anew on the same data and the same port, and waits until it listens.
    pub fn restart(&self) -> Result<(), Error> {
        self.kill();
        let log = log_file(self.folder.path(), PROGRAM);
        let arguments = self.arguments();
        let started = Process::spawn(&Self::obtain()?, &arguments, &log).map_err(Error::Prepare)?;
        *self.process() = Some(started);
        self.wait()
    }

    /// Starts it anew as somebody else set it up.
    pub fn restart_with(&self, settings: Settings) -> Result<(), Error> {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        self.restart()
    }

    /// Stops it in its tracks: connections are taken up, nothing is answered.
    pub fn freeze(&self) -> Result<(), Error> {
        let mut process = self.process();
        let frozen = process.as_mut().map_or(Ok(()), Process::freeze);
        frozen.map_err(Error::Signal)
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) -> Result<(), Error> {
        let mut process = self.process();
        let thawed = process.as_mut().map_or(Ok(()), Process::thaw);
        thawed.map_err(Error::Signal)
    }

    fn arguments(&self) -> Vec<String> {
        let settings = self.settings();
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let port = self.port.number().to_string();
        let data = file("data");
        let mut arguments = vec![
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--storage-path",
            &data,
        ];
        arguments.extend(["--log-level", "WARNING", "--cache-size", "256M"]);
        arguments.extend(["--sync-on-commit", "--enable-test-commands"]);
        if settings.standalone {
            arguments.push("--standalone");
        }
        if settings.authentication {
            arguments.push("--auth");
        }
        let (certificate, key) = (file("apiserver.crt"), file("apiserver.key"));
        if settings.tls {
            arguments.extend(["--tls-cert-file", &certificate, "--tls-key-file", &key]);
        }
        arguments.into_iter().map(str::to_owned).collect()
    }

    fn wait(&self) -> Result<(), Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.number()));
        let began = Instant::now();
        while began.elapsed() < START_DEADLINE {
            if TcpStream::connect_timeout(&address, LOOK_INTERVAL).is_ok() {
                return Ok(());
            }
            let mut process = self.process();
            if process
                .as_mut()
                .is_none_or(|process| process.ended().is_some())
            {
                break;
            }
            drop(process);
            thread::sleep(LOOK_INTERVAL);
        }
        Err(Error::NotReady {
            logs: last_lines_of_logs(self.folder.path(), &[PROGRAM]),
        })
    }

    /// Where its data and its log are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn settings(&self) -> Settings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The replica set for tests that do not harm it: the one that [`REPLICA_SET_VARIABLE`] names, else a server that
/// all of this process share.
pub fn shared_replica_set() -> Result<String, Error> {
    static SERVER: OnceLock<Mutex<Option<MongoServer>>> = OnceLock::new();
    if let Some(uri) = env::var_os(REPLICA_SET_VARIABLE)
        .and_then(|uri| uri.into_string().ok())
        .filter(|uri| !uri.is_empty())
    {
        return Ok(uri);
    }
    let server = SERVER.get_or_init(Mutex::default);
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = server.as_ref() {
        return Ok(server.uri());
    }
    let started = MongoServer::start(Settings::default())?;
    let uri = started.uri();
    *server = Some(started);
    Ok(uri)
}
