//! The mesh of a logical cloud for the demo: in each member a control plane on the bundle that the CA controller gives at
//! its socket, and workloads that shake hands all the time. No node is needed, so proxies are played by this program.
//!
//! Its one argument is JSON; see [`Wanted`]. Once everything runs it says so in a line of JSON, and from then on it
//! answers each line of its input with what was seen of handshakes so far. It ends with its input.

#![expect(clippy::print_stdout, reason = "it prints its answers")]

mod member;
mod socket;

use std::io::stdin;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use dcm_testkit::mesh::{Keeper, Place, Seen, Traffic, live};
use serde::Deserialize;
use serde_json::json;

use member::{SERVICE_ACCOUNT, Started};
use socket::Controller;

/// Far above what the first handshake takes.
const LIMIT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(50);

/// What shall run.
#[derive(Deserialize)]
struct Wanted {
    /// The socket of the CA controller.
    socket: PathBuf,
    project: String,
    cloud: String,
    /// How long workloads live.
    leaf_seconds: u64,
    kubectl: PathBuf,
    members: Vec<Member>,
}

/// One member of the cloud.
#[derive(Deserialize)]
struct Member {
    provider: String,
    cluster: String,
    kubeconfig: PathBuf,
}

fn main() -> Result<()> {
    let argument = std::env::args().nth(1).context("give what shall run")?;
    let wanted: Wanted = serde_json::from_str(&argument)?;
    let begun = Instant::now();
    let controller = Controller::at(&wanted.socket, &wanted.project, &wanted.cloud)?;
    let started = member::start(&controller, &wanted)?;
    let took = begun.elapsed();
    let places: Result<Vec<_>> = started.iter().map(|one| place(one, &wanted)).collect();
    let places = places?;
    let (traffic, ended) = (Traffic::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| live(&places, &controller, &traffic, &ended));
        let answered = answer(&traffic, took);
        ended.store(true, Ordering::Relaxed);
        answered
    })
}

fn place<'a>(started: &'a Started, wanted: &Wanted) -> Result<Place<'a>> {
    let life = Duration::from_secs(wanted.leaf_seconds);
    let workloads = (wanted.cloud.as_str(), SERVICE_ACCOUNT);
    let keeper = Keeper::of(started.reached.clone(), &started.istiod, workloads, life)?;
    Ok(Place::new(started.target.clone(), keeper))
}

fn answer(traffic: &Traffic, took: Duration) -> Result<()> {
    let begun = Instant::now();
    while traffic.seen().shaken == 0 {
        if begun.elapsed() > LIMIT {
            return Err(anyhow!("no workloads shook hands: {:?}", traffic.seen()));
        }
        thread::sleep(LOOK);
    }
    println!("{}", json!({ "started_ms": took.as_millis() }));
    for line in stdin().lines() {
        line?;
        println!("{}", told(&traffic.seen()));
    }
    Ok(())
}

fn told(seen: &Seen) -> serde_json::Value {
    json!({
        "shaken": seen.shaken,
        "between_clusters": seen.between_members,
        "across_anchors": seen.across_anchors,
        "refused": seen.refused,
    })
}
