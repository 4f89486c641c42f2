//! The REST interface over a store that is full: 5,000 logical clouds, more than 100,000 documents.
//!
//! It is filled through the interface itself, by many clients. Every cloud is instantiated, in clusters
//! that do not answer, so that the synchronizer has its documents, too; and then stopped, so that it
//! is not measured how it tries again and again.

mod applying;
mod fill;
mod reading;
mod starting;
mod writing;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Place;
use super::figure::{Figure, Unit};
use super::idle::{processor_time, resident};
use super::tools::Tools;
use crate::output;
use crate::serve::{self, Server};

/// As many as ask at the same time.
const CLIENTS: usize = 32;
/// The logical clouds of which there are all documents.
const CLOUDS: u64 = 5_000;
const DOCUMENTS: f64 = 100_000.0;
const RESIDENT: f64 = 150.0;
/// The clusters are a port of this machine where nobody listens.
const CONFIGURATION: &str = "[clusters]\nallow_addresses = [\"127.0.0.0/8\"]\n";

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    output::warn("the REST interface over a full store: about 2 min");
    let folder = place.folder("api", CONFIGURATION)?;
    let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
    let filled = fill::fill(server.address())?;
    rest(&server)?;
    let mut figures = reading::measure(tools, server.address())?;
    figures.extend(writing::measure(
        tools,
        place,
        &server,
        &folder.join("data").join("dcm.sqlite"),
    )?);
    figures.extend(applying::measure(server.address())?);
    let memory = resident(server.pid())?;
    figures
        .push(Figure::new("after all that: resident", Unit::Megabytes, memory).at_most(RESIDENT));
    figures.extend(starting::measure(tools, &folder, server)?);
    figures.push(filled);
    Ok(figures)
}

/// Waits until what a load left to do in the background is done, or takes its time.
fn rest(server: &Server) -> Result<()> {
    const LOOK: Duration = Duration::from_millis(500);
    const QUIET: Duration = Duration::from_millis(50);
    const LIMIT: Duration = Duration::from_secs(20);
    let began = Instant::now();
    let mut before = processor_time(server.pid())?;
    loop {
        thread::sleep(LOOK);
        let now = processor_time(server.pid())?;
        if now.saturating_sub(before) < QUIET || began.elapsed() > LIMIT {
            return Ok(());
        }
        before = now;
    }
}
