//! One logical cloud in all members of a fleet.

use std::thread;

use anyhow::Result;

use super::Bench;
use super::clouds::{Cloud, Clouds, PAUSE};
use super::stage::{Fleet, RUNS, SECOND_LOOK, Took};
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::statistics::median;
use crate::output;

/// What is measured, of the product or of the bare client.
#[derive(Default)]
struct Times {
    created: Vec<f64>,
    ended: Vec<f64>,
}

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Figure>> {
    let mut figures = of_size(bench, bench.members(), (100, 1500.0))?;
    figures.extend(of_size(bench, bench.large(), (1000, 15_000.0))?);
    Ok(figures)
}

/// The target holds for the size that it was set for.
fn of_size(bench: &Bench<'_>, size: usize, (usual, limit): (usize, f64)) -> Result<Vec<Figure>> {
    output::warn(format!(
        "one logical cloud in {size} members: about {} s",
        30 + size / 8
    ));
    let mut fleet = Fleet::start(bench, &format!("spread-{size}"), size)?;
    let bare = bare(bench, &fleet, size)?;
    let server = fleet.server(bench, &format!("spread-{size}"), size)?;
    let api = Clouds::of(&server);
    let clouds: Vec<_> = (0..bench.rounds())
        .map(|round| Cloud::in_all(format!("round-{round}"), size))
        .collect();
    let (mut ours, mut counts) = (Times::default(), Vec::new());
    for cloud in &clouds {
        api.describe(cloud)?;
        thread::sleep(PAUSE);
        let before = fleet.count()?;
        ours.created
            .push(api.instantiate(std::slice::from_ref(cloud))?);
        counts.push(fleet.count()?.since(before));
    }
    thread::sleep(PAUSE);
    let before = fleet.count()?;
    for cloud in &clouds {
        ours.ended.push(api.terminate(std::slice::from_ref(cloud))?);
        if cloud.name == clouds[0].name {
            counts.push(fleet.count()?.since(before));
        }
    }
    let within = |figure: Figure| {
        if size == usual {
            figure.at_most(limit)
        } else {
            figure
        }
    };
    let time = |what: &str, value| {
        let what = format!("1 cloud in {size} members: {what}");
        Figure::new(what, Unit::Milliseconds, value)
    };
    let (created, bare_created) = (median(&ours.created), median(&bare.created));
    let times = format!("1 cloud in {size} members: of the bare client");
    let net = format!("nothing left, net of {} s", SECOND_LOOK.as_secs());
    let first = ours.created.first().copied().unwrap_or_default();
    let mut figures = vec![
        within(time("ready, the first one", first)),
        within(time("ready, median", created).beside(bare_created, "bare client")),
        Figure::new(times, Unit::Times, created / bare_created).at_most(1.5),
        within(time(&net, median(&ours.ended)).beside(median(&bare.ended), "bare client")),
    ];
    let what = ["first", "second", "last"];
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let members = size as f64;
    let creations = counts.len() - 1;
    for (number, count) in counts.iter().enumerate() {
        let what = if number == creations {
            "ending it"
        } else {
            what[number.min(2)]
        };
        let per_member = |of: &str, value: f64| {
            Figure::new(
                format!("  {of} per member, {what}"),
                Unit::Ratio,
                value / members,
            )
        };
        if number == 0 || number + 1 >= creations {
            figures.push(per_member("calls", count.calls - count.watches));
            figures.push(per_member("watches", count.watches));
            figures.push(per_member("new connections", count.connections));
        }
    }
    Ok(figures)
}

/// The bare client does the same before, and is gone when the product comes.
fn bare(bench: &Bench<'_>, fleet: &Fleet, size: usize) -> Result<Times> {
    let mut client = fleet.bare_client(bench)?;
    let mut times = Times::default();
    let mut round = |name: &str| -> Result<(f64, f64)> {
        let cloud = Cloud::in_all(name, size).word();
        let created: Took = client.ask(&format!("spread {RUNS} {cloud}"))?;
        thread::sleep(PAUSE);
        let ended: Took = client.ask(&format!("gather {RUNS} {cloud}"))?;
        Ok((created.milliseconds, ended.milliseconds))
    };
    // Connections and caches are warm afterwards.
    round("warm-up")?;
    for number in 0..bench.rounds() {
        let (created, ended) = round(&format!("round-{number}"))?;
        times.created.push(created);
        times.ended.push(ended);
    }
    Ok(times)
}
