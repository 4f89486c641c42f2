//! A large fleet while nothing changes, and one change.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Bench;
use super::clouds::{Cloud, Clouds};
use super::stage::Fleet;
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::idle::{processor_time, resident};
use crate::output;

/// In every member.
const CLOUDS: usize = 10;
/// After the last one is ready, before it counts: usage of quotas is recorded meanwhile.
const SETTLE: Duration = Duration::from_secs(20);

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Figure>> {
    let (large, usual) = (bench.large(), bench.members().min(bench.large()));
    let rest = Duration::from_secs(bench.arguments.rest.into());
    output::warn(format!(
        "{large} members with {CLOUDS} logical clouds each: about {} s",
        rest.as_secs() + 60 + large as u64 / 5
    ));
    let mut fleet = Fleet::start(bench, "idle", large)?;
    let server = fleet.server(bench, "idle", large)?;
    let api = Clouds::of(&server);
    let mut small = Cloud::in_all("small", usual);
    small.of = large;
    let mut clouds: Vec<_> = (1..CLOUDS)
        .map(|number| Cloud::in_all(format!("cloud-{number}"), large))
        .collect();
    clouds.push(small.clone());
    let began = Instant::now();
    for cloud in &clouds {
        api.describe(cloud)?;
        api.instantiate(std::slice::from_ref(cloud))?;
    }
    let took = began.elapsed().as_secs_f64();
    output::warn(format!("all logical clouds are ready: {took:.1} s"));
    thread::sleep(SETTLE);
    let (calls, used) = (fleet.count()?, processor_time(server.pid())?);
    let began = Instant::now();
    thread::sleep(rest);
    let used = processor_time(server.pid())?.saturating_sub(used);
    let seconds = began.elapsed().as_secs_f64();
    let share = 100.0 * used.as_secs_f64() / seconds;
    let calls = fleet.count()?.since(calls);
    let memory = resident(server.pid())?;

    let began = Instant::now();
    api.change_quota(&small, 11)?;
    api.act(&small, "update")?;
    let quota = "/api/v1/namespaces/small/resourcequotas /items/0/spec/hard/configmaps 11";
    fleet.wait_for((0, usual), quota)?;
    let reached = began.elapsed().as_secs_f64() * 1e3;
    api.wait(&small, "ready")?;
    let ready = began.elapsed().as_secs_f64() * 1e3;
    let what = format!("{large} members with {CLOUDS} clouds at rest");
    let at_rest = |of: &str, unit, value| Figure::new(format!("{what}: {of}"), unit, value);
    let change = |of: &str, value| {
        let what = format!("a changed quota in {usual} members: {of}");
        Figure::new(what, Unit::Milliseconds, value)
    };
    Ok(vec![
        at_rest("of a core", Unit::Percent, share).at_most(5.0),
        at_rest("resident", Unit::Megabytes, memory),
        at_rest(
            "calls",
            Unit::PerSecond,
            (calls.calls - calls.watches) / seconds,
        ),
        at_rest("watches opened", Unit::PerSecond, calls.watches / seconds),
        change("there", reached).at_most(1000.0),
        change("told as ready", ready),
    ])
}
