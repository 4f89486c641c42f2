//! The server when it has nothing to do: how soon it is ready, what it takes of memory and processor.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Place;
use super::figure::{Figure, Unit};
use super::statistics::median;
use super::tools::Tools;
use crate::output;
use crate::serve::{self, Server};

const STARTS: usize = 5;
/// After the start, before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(20);
/// The unit in which Linux tells processor time to programs, whatever its own clock does.
const MILLISECONDS_IN_A_TICK: u64 = 10;
const MEGABYTE: f64 = 1_000_000.0;

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    output::warn("a server without work: about 25 s");
    let size = fs::metadata(&tools.dcm)?.len();
    let mut starts = Vec::new();
    for number in 0..STARTS {
        // On an empty folder, where it has the most to do.
        let folder = place.folder(&format!("start{number}"), "")?;
        let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
        starts.push(server.took().as_secs_f64() * 1e3);
    }
    let folder = place.folder("idle", "")?;
    let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
    let mut figures = vec![
        #[expect(clippy::cast_precision_loss, reason = "the size of a program")]
        Figure::new("release binary", Unit::Megabytes, size as f64 / MEGABYTE).at_most(60.0),
        Figure::new("start to ready", Unit::Milliseconds, median(&starts)).at_most(300.0),
    ];
    figures.extend(at_rest(&server, "idle")?);
    Ok(figures)
}

/// Memory and processor of a server that is left alone.
pub(super) fn at_rest(server: &Server, when: &str) -> Result<[Figure; 2]> {
    thread::sleep(SETTLE);
    let (began, before) = (Instant::now(), processor_time(server.pid())?);
    thread::sleep(TIME);
    let used = processor_time(server.pid())?.saturating_sub(before);
    let share = 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64();
    let memory = resident(server.pid())?;
    Ok([
        Figure::new(format!("{when}: resident"), Unit::Megabytes, memory).at_most(40.0),
        Figure::new(format!("{when}: of a core"), Unit::Percent, share).at_most(1.0),
    ])
}

/// What a process has had of the processors, with threads that have ended.
pub(super) fn processor_time(pid: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the name in brackets, and may hold anything.
    let (_, fields) = text.rsplit_once(") ").context("the system tells no name")?;
    let times = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let mut ticks = 0;
    for time in times {
        ticks += time?;
    }
    Ok(Duration::from_millis(ticks * MILLISECONDS_IN_A_TICK))
}

/// Megabytes of a process that are in memory.
pub(super) fn resident(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 = line
        .and_then(|line| line.trim().strip_suffix("kB"))
        .context("the system does not tell the resident memory")?
        .trim()
        .parse()?;
    Ok(kilobytes * 1024.0 / MEGABYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_has_memory_and_processor_time() {
        let pid = std::process::id();
        let before = processor_time(pid).unwrap();
        let began = Instant::now();
        while processor_time(pid).unwrap() == before {
            assert!(began.elapsed() < Duration::from_secs(20));
        }
        assert!(resident(pid).unwrap() > 0.1);
    }
}
