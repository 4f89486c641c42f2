//! A world to test in: a store, a clock that is set by hand, a logical cloud, and members that report.

use std::sync::Arc;
use std::time::Duration;

use dcm_ca::{Controller, Parts, Policy};
use dcm_store::{Batch, Expect, MemoryStore, Scope, Store, StoreExt as _, Vault};
use dcm_types::ca::{
    AuthorityScope, CaBundle, CaController as _, Evidence, EvidenceStage, Requester, RotationKind,
    RotationPhase, RotationState, StartRotation,
};
use dcm_types::documents::ca::{CaAuthority, CaEdge};
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, PortError, Randomness};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, Document as _, ProjectName, ProviderName,
    TargetKey, Timestamp, Uid,
};
use jiff::SignedDuration;
use parking_lot::Mutex;
use rand::RngCore as _;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

pub(crate) struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new("2026-01-01T00:00:00Z".parse().unwrap()))
    }

    pub(crate) fn forward(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap();
        let mut now = self.0.lock();
        *now += by;
    }

    pub(crate) fn set(&self, to: Timestamp) {
        *self.0.lock() = to;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

pub(crate) struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) ca: Controller,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(policy()).await
    }

    pub(crate) async fn with(policy: Policy) -> Self {
        let clock = Arc::new(HandClock::new());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let world = Self::on(store, Arc::new(Vault::ephemeral()), clock, policy);
        world.create("shop").await;
        world
    }

    pub(crate) fn on(
        store: Arc<dyn Store>,
        vault: Arc<Vault>,
        clock: Arc<HandClock>,
        policy: Policy,
    ) -> Self {
        assert_eq!(policy.check(), vec![]);
        let ca = Controller::new(Parts {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            randomness: Arc::new(SystemRandomness),
            policy,
        });
        Self {
            store,
            vault,
            clock,
            ca,
        }
    }

    /// Another process on the same documents.
    pub(crate) fn another(&self, policy: Policy) -> Self {
        Self::on(
            self.store.clone(),
            self.vault.clone(),
            self.clock.clone(),
            policy,
        )
    }

    pub(crate) async fn create(&self, name: &str) {
        let mut batch = Batch::new();
        batch
            .put(&logical_cloud(name, self.clock.now()), Expect::Absent)
            .unwrap();
        self.store.commit(batch).await.unwrap();
    }

    pub(crate) async fn authority(&self) -> CaAuthority {
        let mut all = self
            .store
            .read_all::<CaAuthority>(Scope::All)
            .await
            .unwrap();
        all.retain(|found| found.document.cloud_uid().is_some());
        assert_eq!(all.len(), 1);
        all.remove(0).document
    }

    pub(crate) async fn edges(&self) -> Vec<CaEdge> {
        let all = self.store.read_all::<CaEdge>(Scope::All).await.unwrap();
        all.into_iter().map(|found| found.document).collect()
    }

    pub(crate) async fn ensure(&self, cluster: &str) -> CaBundle {
        self.ca.ensure_bundle(&target(cluster)).await.unwrap()
    }

    /// The member takes what it shall have, and is seen to use it.
    pub(crate) async fn follow(&self, cluster: &str) -> CaBundle {
        let bundle = self.ensure(cluster).await;
        self.report(&bundle, EvidenceStage::Written).await;
        self.report(&bundle, EvidenceStage::Loaded).await;
        bundle
    }

    pub(crate) async fn report(&self, bundle: &CaBundle, stage: EvidenceStage) {
        self.ca
            .report_evidence(&evidence(bundle, stage))
            .await
            .unwrap();
    }

    pub(crate) async fn start(&self, kind: RotationKind) -> Result<RotationState, PortError> {
        let start = StartRotation {
            cloud: cloud("shop"),
            kind,
            dry_run: false,
        };
        self.ca.start_rotation(&start, &somebody()).await
    }

    pub(crate) async fn rotation(&self) -> RotationState {
        self.ca.get_rotation(&cloud("shop")).await.unwrap()
    }

    pub(crate) async fn phase(&self) -> RotationPhase {
        self.rotation().await.phase
    }

    pub(crate) async fn look(&self) {
        self.ca.look_at_all().await.unwrap();
    }

    /// Looks again and again while time passes, in steps that the controller believes.
    pub(crate) async fn live(&self, duration: Duration) {
        let step = Duration::from_secs(100);
        for _ in 0..=duration.as_secs() / step.as_secs() {
            self.look().await;
            self.clock.forward(step);
        }
        self.look().await;
    }

    pub(crate) async fn verified_events(&self) -> u64 {
        let scope = AuthorityScope::Cloud(cloud("shop"));
        let report = self.ca.verify_audit(&scope).await.unwrap();
        assert_eq!(report.bad, vec![]);
        report.verified
    }
}

/// Leaves of an hour, so that aging is a few steps.
pub(crate) fn policy() -> Policy {
    Policy {
        longest_leaf: HOUR,
        ..Policy::default()
    }
}

pub(crate) fn cloud(name: &str) -> CloudKey {
    CloudKey {
        project: ProjectName::parse("acme").unwrap(),
        cloud: CloudName::parse(name).unwrap(),
    }
}

pub(crate) fn target(cluster: &str) -> TargetKey {
    TargetKey {
        cloud: cloud("shop"),
        cluster: ClusterKey {
            provider: ProviderName::parse("edge").unwrap(),
            cluster: ClusterName::parse(cluster).unwrap(),
        },
    }
}

pub(crate) fn evidence(bundle: &CaBundle, stage: EvidenceStage) -> Evidence {
    Evidence {
        target: bundle.target.clone(),
        cloud_uid: bundle.cloud_uid,
        version: bundle.version,
        stage,
    }
}

pub(crate) fn somebody() -> Requester {
    Requester {
        principal: "alice".to_owned(),
        origin: "198.51.100.7".to_owned(),
        request: "request-1".to_owned(),
    }
}

pub(crate) fn logical_cloud(name: &str, now: Timestamp) -> LogicalCloud {
    let mut uid = [0; 16];
    rand::rng().fill_bytes(&mut uid);
    LogicalCloud {
        uid: Uid::from_random(uid),
        key: cloud(name),
        metadata: Metadata::default(),
        level: Level::default(),
        user: None,
        drift: DriftPolicy::default(),
        mesh: None,
        flat: false,
        created_at: now,
    }
}

pub(crate) async fn delete_cloud(store: &dyn Store, name: &str) {
    let key = dcm_types::Key::cloud(&cloud(name));
    let found = store.read::<LogicalCloud>(&key).await.unwrap().unwrap();
    let mut batch = Batch::new();
    batch.delete(found.document.key(), Expect::Untouched(found.version));
    store.commit(batch).await.unwrap();
}
