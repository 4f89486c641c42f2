//! Many who wait for a status: what they cost while nothing happens to what they wait for.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::Place;
use super::figure::{Figure, Unit};
use super::idle::processor_time;
use super::tools::Tools;
use crate::http::Connection;
use crate::output;
use crate::serve::{self, Server};

const WAITERS: usize = 1000;
const CLOUDS: usize = 50;
/// After the last one came, before it counts.
const SETTLE: Duration = Duration::from_secs(3);
const TIME: Duration = Duration::from_secs(20);
/// Between two writes of something else, in the second half.
const WRITE_EVERY: Duration = Duration::from_millis(100);
const CLOUDS_PATH: &str = "/v2/projects/bench/logical-clouds";

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    output::warn("those who wait for a status: about 50 s");
    allow_connections();
    let folder = place.folder("waiters", "")?;
    let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
    let mut connection = Connection::open(server.address())?;
    create(&mut connection, "/v2/projects", "bench")?;
    for number in 0..CLOUDS {
        create(&mut connection, CLOUDS_PATH, &format!("cloud-{number}"))?;
    }
    let waiting = (0..WAITERS)
        .map(|number| wait(&server, number % CLOUDS))
        .collect::<io::Result<Vec<_>>>()?;
    thread::sleep(SETTLE);
    let still = share_of_a_core(&server, || {
        thread::sleep(TIME);
        Ok(())
    })?;
    let beside = share_of_a_core(&server, || write_beside(&mut connection))?;
    // Somebody who was answered would not have been waited with.
    for stream in &waiting {
        stream.set_nonblocking(true)?;
        match stream.peek(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => bail!("one who waits was answered or cut off"),
        }
    }
    let figure = |what: &str, share| Figure::new(what, Unit::Percent, share);
    Ok(vec![
        figure("1000 wait: of a core", still).at_most(5.0),
        figure("1000 wait, 10 writes/s beside: of a core", beside).at_most(5.0),
    ])
}

/// Each of us has a file open for each connection, and so have the programs that we start, which inherit it.
pub(super) fn allow_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        output::warn(format!("the limit of open files stays: {error}"));
    }
}

fn wait(server: &Server, cloud: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address())?;
    let path = format!("{CLOUDS_PATH}/cloud-{cloud}/status?wait=ready&timeout=10m");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n")?;
    Ok(stream)
}

/// Changes what nobody waits for.
fn write_beside(connection: &mut Connection) -> Result<()> {
    let began = Instant::now();
    let mut number = 0;
    while began.elapsed() < TIME {
        create(connection, "/v2/projects", &format!("beside-{number}"))?;
        number += 1;
        thread::sleep(WRITE_EVERY);
    }
    Ok(())
}

fn share_of_a_core(server: &Server, during: impl FnOnce() -> Result<()>) -> Result<f64> {
    let (began, before) = (Instant::now(), processor_time(server.pid())?);
    during()?;
    let used = processor_time(server.pid())?.saturating_sub(before);
    Ok(100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64())
}

fn create(connection: &mut Connection, path: &str, name: &str) -> Result<()> {
    let body = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
    let answer = connection.send("POST", path, &body)?;
    ensure!(
        answer.status == 201,
        "POST {path}: {}: {}",
        answer.status,
        answer.body
    );
    Ok(())
}
