//! The controller on a store in a file, one logical cloud, and a clock that is set by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use dcm_ca::{Controller, Parts, Policy};
use dcm_store::{Batch, Expect, SqliteStore, Store as _, Vault};
use dcm_types::ca::Requester;
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, Randomness};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey, Timestamp,
};
use jiff::SignedDuration;
use parking_lot::Mutex;
use rand::RngCore as _;

/// See the module.
pub(super) struct World {
    pub(super) ca: Controller,
    pub(super) clock: Arc<HandClock>,
    /// The members.
    pub(super) targets: Vec<TargetKey>,
}

pub(super) struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub(super) fn forward(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let mut now = self.0.lock();
        *now += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

impl World {
    pub(super) async fn open(folder: &Path, members: usize) -> Result<Self> {
        let clock = Arc::new(HandClock(Mutex::new(Timestamp::now())));
        let store = SqliteStore::open(&folder.join("rotation.sqlite"), clock.clone())?;
        let mut batch = Batch::new();
        let document = LogicalCloud {
            uid: SystemRandomness.uid(),
            key: cloud()?,
            metadata: Metadata::default(),
            level: Level::default(),
            user: None,
            drift: DriftPolicy::default(),
            flat: false,
            mesh: None,
            created_at: clock.now(),
        };
        batch.put(&document, Expect::Absent)?;
        store.commit(batch).await?;
        let targets: Result<_> = (0..members).map(target).collect();
        let ca = Controller::new(Parts {
            store: Arc::new(store),
            vault: Arc::new(Vault::ephemeral()),
            clock: clock.clone(),
            randomness: Arc::new(SystemRandomness),
            policy: Policy::default(),
        });
        Ok(Self {
            ca,
            clock,
            targets: targets?,
        })
    }
}

pub(super) fn cloud() -> Result<CloudKey> {
    Ok(CloudKey {
        project: ProjectName::parse("acme")?,
        cloud: CloudName::parse("shop")?,
    })
}

fn target(number: usize) -> Result<TargetKey> {
    Ok(TargetKey {
        cloud: cloud()?,
        cluster: ClusterKey {
            provider: ProviderName::parse("edge")?,
            cluster: ClusterName::parse(&format!("cluster{number}"))?,
        },
    })
}

pub(super) fn somebody() -> Requester {
    Requester {
        principal: "bench".to_owned(),
        origin: String::new(),
        request: String::new(),
    }
}
