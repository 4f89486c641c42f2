//! What one more member costs: processor time per logical cloud and member, in fleets of three sizes.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::Bench;
use super::clouds::{Cloud, Clouds, PAUSE};
use super::stage::Fleet;
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::idle::processor_time;
use crate::commands::bench::statistics::{largest, median};
use crate::output;

/// As many targets as are measured in each size, at least: the system tells time in steps of 10 ms.
const TARGETS: usize = 400;
const LIMIT: f64 = 1.2;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Figure>> {
    let sizes = [bench.members() / 10, bench.members(), bench.large()];
    output::warn(format!("fleets of {sizes:?} members: about 3 min"));
    let mut costs = Vec::new();
    for size in sizes {
        costs.push(cost(bench, size.max(1))?);
    }
    let mut figures: Vec<_> = sizes
        .iter()
        .zip(&costs)
        .map(|(size, cost)| {
            let what = format!("processor time per member, {size} members");
            Figure::new(what, Unit::Milliseconds, *cost)
        })
        .collect();
    let smallest = -largest(&costs.iter().map(|cost| -cost).collect::<Vec<_>>());
    let what = "per member: the dearest of the cheapest size";
    figures.push(Figure::new(what, Unit::Times, largest(&costs) / smallest).at_most(LIMIT));
    Ok(figures)
}

/// Milliseconds of processor time of one cloud in one member.
fn cost(bench: &Bench<'_>, size: usize) -> Result<f64> {
    let fleet = Fleet::start(bench, &format!("growth-{size}"), size)?;
    let server = fleet.server(bench, &format!("growth-{size}"), size)?;
    let api = Clouds::of(&server);
    let rounds = TARGETS.div_ceil(size).max(bench.rounds().into());
    let mut times = Vec::new();
    // The first one opens sessions and watches, and does not count.
    for round in 0..=rounds {
        let cloud = Cloud::in_all(format!("round-{round}"), size);
        api.describe(&cloud)?;
        thread::sleep(if round < 2 { PAUSE } else { Duration::ZERO });
        let before = processor_time(server.pid())?;
        api.instantiate(std::slice::from_ref(&cloud))?;
        let used = processor_time(server.pid())?.saturating_sub(before);
        if round > 0 {
            times.push(used.as_secs_f64() * 1e3);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let targets = (size * rounds) as f64;
    // Many small ones are within one step of the clock each: their sum is what counts.
    let all: f64 = times.iter().sum();
    if size >= TARGETS {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        return Ok(median(&times) / size as f64);
    }
    Ok(all / targets)
}
