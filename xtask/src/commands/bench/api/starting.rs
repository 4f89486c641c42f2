//! A server that starts on a store that is full.

use std::path::Path;

use anyhow::Result;

use super::{RESIDENT, rest};
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::idle::resident;
use crate::commands::bench::statistics::{largest, median};
use crate::commands::bench::tools::Tools;
use crate::serve::{self, Server};

const STARTS: usize = 3;
const LIMIT: f64 = 2000.0;

pub(super) fn measure(tools: &Tools, folder: &Path, server: Server) -> Result<Vec<Figure>> {
    let start = || Server::start(&tools.dcm, folder, serve::any_address());
    let took = |server: &Server| server.took().as_secs_f64() * 1e3;
    server.stop()?;
    let (mut after_stop, mut after_kill) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = start()?;
        after_stop.push(took(&server));
        // Without a word; the next start finds what it left behind.
        drop(server);
        let server = start()?;
        after_kill.push(took(&server));
        server.stop()?;
    }
    let server = start()?;
    rest(&server)?;
    let memory = resident(server.pid())?;
    let start = |what, value| Figure::new(what, Unit::Milliseconds, value).at_most(LIMIT);
    Ok(vec![
        start("start to ready: median", median(&after_stop)),
        start("start to ready after a kill: slowest", largest(&after_kill)),
        Figure::new("after the start: resident", Unit::Megabytes, memory).at_most(RESIDENT),
    ])
}
