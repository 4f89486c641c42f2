//! How long it takes to issue, verify and store intermediates, and to ask for one that is there.
//!
//! Run it with `--release`. Arguments: the folder to measure in, and how many edges. It prints one line of JSON.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dcm_ca::{Controller, Parts, Policy};
use dcm_store::{Batch, Expect, SqliteStore, Store as _, Vault};
use dcm_types::ca::CaController as _;
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, Randomness};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey, Timestamp,
};
use rand::RngCore as _;
use serde_json::json;

/// Who ask at the same time.
const CLIENTS: usize = 16;
/// How often one that is there is asked for.
const ASKED: usize = 5_000;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("give a folder")?;
    let edges: usize = arguments
        .next()
        .context("give a number of edges")?
        .parse()?;
    let ca = controller(Path::new(&folder)).await?;
    // The anchor is made by the first one.
    ca.ensure_bundle(&target(0)?).await?;
    let begun = Instant::now();
    issue(&ca, edges).await?;
    let issued = begun.elapsed();
    let warm = ask(&ca, edges).await?;
    let line = json!({
        "edges": edges,
        "issued_seconds": issued.as_secs_f64(),
        "warm_p50_ms": at(&warm, 50),
        "warm_p99_ms": at(&warm, 99),
    });
    println!("{line}");
    Ok(())
}

async fn controller(folder: &Path) -> Result<Controller> {
    let store = SqliteStore::open(&folder.join("ca.sqlite"), Arc::new(SystemClock))?;
    let store = Arc::new(store);
    let mut batch = Batch::new();
    let cloud = LogicalCloud {
        uid: SystemRandomness.uid(),
        key: target(0)?.cloud,
        metadata: Metadata::default(),
        level: Level::default(),
        user: None,
        drift: DriftPolicy::default(),
        mesh: None,
        flat: false,
        created_at: Timestamp::now(),
    };
    batch.put(&cloud, Expect::Absent)?;
    store.commit(batch).await?;
    Ok(Controller::new(Parts {
        store,
        vault: Arc::new(Vault::ephemeral()),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        policy: Policy::default(),
    }))
}

async fn issue(ca: &Controller, edges: usize) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(1));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (ca, next) = (ca.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > edges {
                        return Ok::<(), anyhow::Error>(());
                    }
                    ca.ensure_bundle(&target(number)?).await?;
                }
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok(())
}

async fn ask(ca: &Controller, edges: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(ASKED);
    for number in 0..ASKED {
        let target = target(1 + number % edges)?;
        let begun = Instant::now();
        ca.ensure_bundle(&target).await?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times)
}

fn at(sorted: &[Duration], percent: usize) -> f64 {
    let found = sorted.get(sorted.len() * percent / 100);
    found.map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn target(number: usize) -> Result<TargetKey> {
    Ok(TargetKey {
        cloud: CloudKey {
            project: ProjectName::parse("acme")?,
            cloud: CloudName::parse("shop")?,
        },
        cluster: ClusterKey {
            provider: ProviderName::parse("edge")?,
            cluster: ClusterName::parse(&format!("cluster{number}"))?,
        },
    })
}
