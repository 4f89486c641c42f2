//! As many logical clouds as there are members, each in a tenth of them.

use std::thread;

use anyhow::Result;

use super::Bench;
use super::clouds::{Cloud, Clouds, PAUSE};
use super::stage::{Fleet, RUNS, SECOND_LOOK, Took};
use crate::commands::bench::figure::{Figure, Unit};
use crate::output;

const LIMIT: f64 = 15_000.0;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Figure>> {
    let members = bench.members();
    let tenth = members / 10;
    output::warn(format!(
        "{members} logical clouds, each in {tenth} of {members} members: about 2 min"
    ));
    let clouds: Vec<_> = (0..members)
        .map(|number| Cloud {
            name: format!("cloud-{number}"),
            first: number * tenth % members,
            count: tenth,
            of: members,
        })
        .collect();
    let fleet = Fleet::start(bench, "many", members)?;
    let (bare_created, bare_ended) = bare(bench, &fleet, &clouds)?;
    let server = fleet.server(bench, "many", members)?;
    let api = Clouds::of(&server);
    for cloud in &clouds {
        api.describe(cloud)?;
    }
    thread::sleep(PAUSE);
    let created = api.instantiate(&clouds)?;
    thread::sleep(PAUSE);
    let ended = api.terminate(&clouds)?;
    let figure = |what: &str, value, bare| {
        let what = format!("{members} clouds in {tenth} of {members} members: {what}");
        let figure = Figure::new(what, Unit::Milliseconds, value).beside(bare, "bare client");
        if members == 100 {
            figure.at_most(LIMIT)
        } else {
            figure
        }
    };
    let net = format!("nothing left, net of {} s", SECOND_LOOK.as_secs());
    Ok(vec![
        figure("ready", created, bare_created),
        figure(&net, ended, bare_ended),
    ])
}

fn bare(bench: &Bench<'_>, fleet: &Fleet, clouds: &[Cloud]) -> Result<(f64, f64)> {
    let mut client = fleet.bare_client(bench)?;
    let words: Vec<_> = clouds.iter().map(Cloud::word).collect();
    let words = words.join(" ");
    let warm_up = Cloud::in_all("warm-up", fleet.members).word();
    let _: Took = client.ask(&format!("spread {RUNS} {warm_up}"))?;
    let created: Took = client.ask(&format!("spread {RUNS} {words}"))?;
    let ended: Took = client.ask(&format!("gather {RUNS} {words}"))?;
    Ok((created.milliseconds, ended.milliseconds))
}
