//! The same question to `openssl`, which shares no code with us: do two workloads take each other?

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Error, Workload};
use crate::control_plane::{Folder, Process, log_file};

const PROGRAM: &str = "openssl";
const START_DEADLINE: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
const END: &str = "-----END CERTIFICATE-----";

/// Shakes hands with `openssl` on both sides; else what the client said.
///
/// In TLS 1.2: in 1.3 a client is through before the server has looked at its certificate.
pub fn handshake(client: &Workload, server: &Workload) -> Result<Result<(), String>, Error> {
    let folder = Folder::create("dcm-openssl-").map_err(Error::PrepareFolder)?;
    let log = log_file(folder.path(), PROGRAM);
    let mut arguments: Vec<String> = ["s_server", "-accept", "127.0.0.1:0", "-www", "-Verify", "4"]
        .map(str::to_owned)
        .into();
    arguments.extend(identity(folder.path(), "server", server)?);
    let process = Process::spawn(Path::new(PROGRAM), &arguments, &log);
    let mut process = process.map_err(spawn)?;
    let address = address(&mut process, &log)?;
    let said = Command::new(PROGRAM)
        .args(["s_client", "-connect", &address, "-brief", "-tls1_2"])
        .args(identity(folder.path(), "client", client)?)
        .stdin(Stdio::null())
        .output()
        .map_err(spawn)?;
    if said.status.success() {
        return Ok(Ok(()));
    }
    Ok(Err(String::from_utf8_lossy(&said.stderr).into_owned()))
}

/// Certificate, key, and whom it takes. Anchors need not have signed themselves (`-partial_chain`).
fn identity(folder: &Path, name: &str, of: &Workload) -> Result<Vec<String>, Error> {
    let end = of.chain.find(END).map_or(0, |at| at + END.len());
    let (own, above) = of.chain.split_at(end);
    let mut arguments = vec![
        "-partial_chain".to_owned(),
        "-verify_return_error".to_owned(),
    ];
    for (option, text) in [
        ("cert", own),
        ("cert_chain", above),
        ("key", of.key.as_str()),
        ("CAfile", of.anchors.as_str()),
    ] {
        let file = folder.join(format!("{name}-{option}.pem"));
        fs::write(&file, text).map_err(Error::PrepareFolder)?;
        arguments.push(format!("-{option}"));
        arguments.push(file.display().to_string());
    }
    Ok(arguments)
}

/// The server says it once it listens: `ACCEPT 127.0.0.1:PORT`.
fn address(process: &mut Process, log: &Path) -> Result<String, Error> {
    let started = Instant::now();
    loop {
        let said = fs::read_to_string(log).unwrap_or_default();
        let line = said.lines().find_map(|line| line.strip_prefix("ACCEPT "));
        // A line without its end is not all of it.
        if let Some(address) = line.filter(|_| said.ends_with('\n')) {
            return Ok(address.trim().to_owned());
        }
        if process.ended().is_some() || started.elapsed() >= START_DEADLINE {
            return Err(spawn(io::Error::other(said)));
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn spawn(source: io::Error) -> Error {
    Error::Spawn {
        program: PROGRAM,
        source,
    }
}
