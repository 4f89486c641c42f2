//! A large fleet of which a part is dead: half of the dead ones refuse, half of them hang.

use std::thread;
use std::time::Instant;

use anyhow::Result;

use super::Bench;
use super::clouds::{Cloud, Clouds, PAUSE};
use super::stage::{Fleet, wait_for_states};
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::idle::resident;
use crate::commands::bench::statistics::median;
use crate::output;
use crate::serve::Server;

const RESIDENT: f64 = 512.0;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Figure>> {
    let size = bench.large();
    let live = size - size * 3 / 10;
    output::warn(format!("{size} members of which a part dies: about 6 min"));
    let mut fleet = Fleet::start(bench, "dead", size)?;
    let server = fleet.server(bench, "dead", size)?;
    let api = Clouds::of(&server);

    let mut alone = Vec::new();
    for round in 0..=bench.rounds() {
        let mut cloud = Cloud::in_all(format!("live-{round}"), live);
        cloud.of = size;
        let took = reach(&mut fleet, &api, &cloud, live)?;
        // The first one opens the watches, and does not count.
        if round > 0 {
            alone.push(took);
        }
    }
    fleet.kill(size - size / 10, size / 10)?;
    wait_for_states(&server, size / 10, "unreachable")?;
    let memory = after_a_round(&mut fleet, &api, &server, (size, size - size / 10))?;
    fleet.kill(live, size - live)?;
    let known = reach_beside_dead(bench, &mut fleet, &api, (size, live), "fresh")?;
    wait_for_states(&server, size - live, "unreachable")?;
    let later = reach_beside_dead(bench, &mut fleet, &api, (size, live), "known")?;
    let alone = median(&alone);
    let figure = |what: &str, value| Figure::new(what, Unit::Milliseconds, value);
    let slower = |value: f64| 100.0 * (value / alone - 1.0);
    Ok(vec![
        Figure::new(
            format!("{size} members, 10 % dead: resident"),
            Unit::Megabytes,
            memory,
        )
        .at_most(RESIDENT),
        figure("30 % dead, known: live ones have all", later).beside(alone, "none dead"),
        Figure::new("30 % dead, known: slower", Unit::Percent, slower(later)).at_most(10.0),
        figure("30 % dead, just now: live ones have all", known).beside(alone, "none dead"),
        Figure::new("30 % dead, just now: slower", Unit::Percent, slower(known)),
    ])
}

/// Milliseconds until the first members have everything of a cloud: the bindings come last.
fn reach(fleet: &mut Fleet, api: &Clouds, cloud: &Cloud, live: usize) -> Result<f64> {
    api.describe(cloud)?;
    thread::sleep(PAUSE);
    let bindings = format!(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings /items/0",
        cloud.name
    );
    let began = Instant::now();
    api.act(cloud, "instantiate")?;
    fleet.wait_for((0, live), &bindings)?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn reach_beside_dead(
    bench: &Bench<'_>,
    fleet: &mut Fleet,
    api: &Clouds,
    (size, live): (usize, usize),
    name: &str,
) -> Result<f64> {
    let mut times = Vec::new();
    // Who is dead just now is known after the first.
    let rounds = if name == "fresh" { 1 } else { bench.rounds() };
    for round in 0..rounds {
        let cloud = Cloud::in_all(format!("{name}-{round}"), size);
        times.push(reach(fleet, api, &cloud, live)?);
    }
    Ok(median(&times))
}

/// Memory with a cloud in all members, dead ones among them.
fn after_a_round(
    fleet: &mut Fleet,
    api: &Clouds,
    server: &Server,
    (size, live): (usize, usize),
) -> Result<f64> {
    let cloud = Cloud::in_all("everywhere", size);
    reach(fleet, api, &cloud, live)?;
    thread::sleep(PAUSE * 10);
    resident(server.pid())
}
