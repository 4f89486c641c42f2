//! Creating and updating, durably, by many clients; beside commits of the same bytes to bare SQLite.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result};

use super::fill::{self, path};
use super::{CLIENTS, CLOUDS, DOCUMENTS};
use crate::commands::bench::Place;
use crate::commands::bench::commits::Line;
use crate::commands::bench::create::BARE;
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::load::{Ask, Load, Request, Until};
use crate::commands::bench::tools::Tools;
use crate::serve::Server;

/// Ours and the baseline take turns, because the speed of a disk changes with what others do.
const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(2);

pub(super) fn measure(
    tools: &Tools,
    place: &Place,
    server: &Server,
    store: &Path,
) -> Result<Vec<Figure>> {
    // Behind the clouds that are there.
    let next = AtomicU64::new(CLOUDS);
    let run = |request: Request<'_>| {
        Load::run(server.address(), CLIENTS, Until::Time(TIME), &next, request)
    };
    let (mut creates, mut updates) = (Load::default(), Load::default());
    let mut baselines = Vec::new();
    for round in 0..ROUNDS {
        let folder = place.folder(&format!("api-baseline{round}"), "")?;
        baselines.push(tools.commit_rate(&folder, store, 1)?);
        creates.add(run(&fill::create)?);
        updates.add(run(&update)?);
    }
    let bare = Line::middle(&baselines, "bare SQLite, 1 to a commit")?;
    // Counted before the first of the creates.
    let stored = documents(&baselines[0])?;
    let stored = Figure::new("documents in the store", Unit::Count, stored);
    let mut figures = vec![stored.at_least(DOCUMENTS)];
    for (what, load) in [
        ("create a logical cloud", &creates),
        ("update a quota", &updates),
    ] {
        let rate = format!("{what}, {CLIENTS} clients");
        let rate = Figure::new(rate, Unit::PerSecond, load.per_second());
        figures.push(rate.beside(bare.rate, BARE).at_least(1500.0));
        let slow = format!("{what}, {CLIENTS} clients: p99");
        let slow = Figure::new(slow, Unit::Milliseconds, load.percentile(0.99));
        figures.push(slow.at_most(25.0));
    }
    Ok(figures)
}

fn documents(text: &str) -> Result<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("documents in the store: "));
    Ok(line
        .context("commit_rate does not count the documents")?
        .parse()?)
}

/// Every number is another limit: what changes nothing is not written.
fn update(number: u64) -> Ask {
    Ask {
        method: "PUT",
        path: format!("{}/cluster-quotas/small", path(number % CLOUDS)),
        body: format!(r#"{{"metadata":{{"name":"small"}},"spec":{{"pods":"{number}"}}}}"#),
    }
}
