//! Creating logical clouds, durably, over HTTP; beside commits of the same bytes to bare SQLite.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Place;
use super::commits::Line;
use super::figure::{Figure, Unit};
use super::load::{Ask, Load, Until};
use super::tools::Tools;
use crate::http::Connection;
use crate::output;
use crate::serve::{self, Server};

/// Ours and the baseline take turns, because the speed of a disk changes with what others do.
const ROUNDS: usize = 3;
/// How long each load lasts, in each round.
const TIME: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(1);
const MANY: usize = 32;
pub(super) const CLOUDS: &str = "/v2/projects/bench/logical-clouds";
pub(super) const BARE: &str = "bare SQLite";

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    output::warn("creating logical clouds: about 40 s");
    let folder = place.folder("create", "")?;
    let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
    let project = r#"{"metadata":{"name":"bench"}}"#;
    let answer = Connection::open(server.address())?.send("POST", "/v2/projects", project)?;
    if answer.status != 201 {
        bail!("creating the project: {}: {}", answer.status, answer.body);
    }
    let next = AtomicU64::new(0);
    let load =
        |clients, time| Load::run(server.address(), clients, Until::Time(time), &next, &create);
    load(MANY, WARM_UP)?;
    let (mut one, mut many) = (Load::default(), Load::default());
    let mut baselines = Vec::new();
    let store = folder.join("data").join("dcm.sqlite");
    for round in 0..ROUNDS {
        one.add(load(1, TIME)?);
        many.add(load(MANY, TIME)?);
        let folder = place.folder(&format!("baseline{round}"), "")?;
        baselines.push(tools.commit_rate(&folder, &store, 1)?);
    }
    let line = |what: &str| Line::middle(&baselines, what);
    let bare = line("bare SQLite, 1 to a commit")?;
    let mut figures = with_one(&one, &bare);
    figures.extend(with_many(&many, &bare));
    for clients in [1, MANY] {
        let rate = line(&format!("store, {clients} clients"))?.rate;
        let what = format!("store in process, clients: {clients}");
        figures.push(Figure::new(what, Unit::PerSecond, rate).beside(bare.rate, BARE));
    }
    Ok(figures)
}

fn with_one(one: &Load, bare: &Line) -> Vec<Figure> {
    let figure = |what, share| Figure::new(what, Unit::Milliseconds, one.percentile(share));
    vec![
        figure("create, 1 client: p50", 0.5).beside(bare.p50, BARE),
        figure("create, 1 client: p99", 0.99)
            .beside(bare.p99, BARE)
            .at_most(10.0),
    ]
}

fn with_many(many: &Load, bare: &Line) -> Vec<Figure> {
    let rate = many.per_second();
    let figure = |what, share| Figure::new(what, Unit::Milliseconds, many.percentile(share));
    vec![
        Figure::new("create, 32 clients", Unit::PerSecond, rate)
            .beside(bare.rate, BARE)
            .at_least(1500.0),
        Figure::new(
            "create, 32 clients: of bare SQLite",
            Unit::Percent,
            100.0 * rate / bare.rate,
        )
        .at_least(50.0),
        figure("create, 32 clients: p50", 0.5),
        figure("create, 32 clients: p99", 0.99).at_most(25.0),
    ]
}

fn create(number: u64) -> Ask {
    let name = name(number);
    let body = format!(
        r#"{{"metadata":{{"name":"{name}","description":"One of many that are made to see how fast it goes"}},"spec":{{"namespace":"{name}","user":{{"userName":"alice"}},"labels":{{"team":"bench"}}}}}}"#
    );
    Ask {
        method: "POST",
        path: CLOUDS.to_owned(),
        body,
    }
}

/// Spread over the tree, as names that people choose are.
pub(super) fn name(number: u64) -> String {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    format!("cloud-{spread:08x}-{number}")
}
