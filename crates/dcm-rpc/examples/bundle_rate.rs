//! How long it takes to ask for a bundle that is there, over the socket, beside the same without it.
//!
//! Run it with `--release`. Arguments: the folder to measure in, and how many edges. It prints one line of JSON.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dcm_ca::{Controller, Parts, Policy};
use dcm_rpc::{Client, Socket};
use dcm_store::{Batch, Expect, SqliteStore, Store as _, Vault};
use dcm_types::ca::CaController;
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, Randomness};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey, Timestamp,
};
use rand::RngCore as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How often a bundle that is there is asked for.
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
    let folder = Path::new(&folder);
    let edges: usize = arguments
        .next()
        .context("give a number of edges")?
        .parse()?;
    let ca = controller(folder).await?;
    for number in 0..edges {
        ca.ensure_bundle(&target(number)?).await?;
    }
    let path = folder.join("run").join("ca.sock");
    let ending = CancellationToken::new();
    let served = dcm_rpc::serve(Socket::bind(&path)?, Arc::new(ca.clone()), ending.clone());
    let served = tokio::spawn(served);
    let near = ask(&ca, edges).await?;
    let far = ask(&Client::new(&path), edges).await?;
    ending.cancel();
    served.await??;
    let line = json!({
        "edges": edges,
        "near_p99": at(&near, 99),
        "far_p50": at(&far, 50),
        "far_p99": at(&far, 99),
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

async fn ask(ca: &dyn CaController, edges: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(ASKED);
    for number in 0..ASKED {
        let target = target(number % edges)?;
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
