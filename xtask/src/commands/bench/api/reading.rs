//! Reading one object, beside a bare HTTP server that gives the same bytes, and reading a long list.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::fill::path;
use super::{CLIENTS, CLOUDS};
use crate::commands::bench::create;
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::load::{Ask, Load, Until};
use crate::commands::bench::statistics::percentile;
use crate::commands::bench::tools::Tools;
use crate::http::Connection;

/// Ours and the baseline take turns.
const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(2);
const PAGE: usize = 100;
/// How often the whole list is read.
const SWEEPS: usize = 10;
const BARE: &str = "bare HTTP";

pub(super) fn measure(tools: &Tools, server: SocketAddr) -> Result<Vec<Figure>> {
    let sample = Connection::open(server)?.send("GET", &path(0), "")?;
    ensure!(sample.status == 200, "GET {}: {}", path(0), sample.status);
    let bare_server = tools.bare_server(&sample.body)?;
    let next = AtomicU64::new(0);
    let run = |address, request: fn(u64) -> Ask| {
        Load::run(address, CLIENTS, Until::Time(TIME), &next, &request)
    };
    let (mut cloud, mut quota, mut bare) = (Load::default(), Load::default(), Load::default());
    for _ in 0..ROUNDS {
        bare.add(run(bare_server.address, get_cloud)?);
        cloud.add(run(server, get_cloud)?);
        quota.add(run(server, get_quota)?);
    }
    drop(bare_server);
    let mut figures = Vec::new();
    for (what, load) in [("logical cloud", &cloud), ("quota", &quota)] {
        let rate = Figure::new(format!("GET a {what}"), Unit::PerSecond, load.per_second());
        figures.push(rate.beside(bare.per_second(), BARE).at_least(10_000.0));
        let slow = load.percentile(0.99);
        let slow = Figure::new(format!("GET a {what}: p99"), Unit::Milliseconds, slow);
        figures.push(slow.beside(bare.percentile(0.99), BARE).at_most(10.0));
    }
    figures.extend(list(server)?);
    Ok(figures)
}

fn get_cloud(number: u64) -> Ask {
    Ask::get(path(scattered(number)))
}

fn get_quota(number: u64) -> Ask {
    Ask::get(format!("{}/cluster-quotas/small", path(scattered(number))))
}

/// One of the clouds, far from the one before.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(2_654_435_761) % CLOUDS
}

/// Reads the list of all clouds, page by page, as one client does.
fn list(server: SocketAddr) -> Result<[Figure; 2]> {
    let mut connection = Connection::open(server)?;
    let mut times = Vec::new();
    for _ in 0..SWEEPS {
        let mut path = format!("{}?limit={PAGE}", create::CLOUDS);
        let mut pages = 0;
        loop {
            let sent = Instant::now();
            let answer = connection.send("GET", &path, "")?;
            times.push(sent.elapsed().as_secs_f64() * 1e3);
            ensure!(answer.status == 200, "GET {path}: {}", answer.status);
            pages += 1;
            let Some(next) = answer.next else { break };
            path = format!("{}?limit={PAGE}&continue={next}", create::CLOUDS);
        }
        let wanted = usize::try_from(CLOUDS)? / PAGE;
        ensure!(
            pages == wanted,
            "the list has {pages} pages, should have {wanted}"
        );
    }
    let figure = |what, share| {
        let name = format!("list of {CLOUDS}, a page of {PAGE}: {what}");
        Figure::new(name, Unit::Milliseconds, percentile(&times, share))
    };
    Ok([figure("p50", 0.5), figure("p99", 0.99).at_most(50.0)])
}
