//! A controller with an issuer, and a clock that a test moves.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dcm_ca::{Controller, Parts, Policy};
use dcm_issuer::{Kind, Settings};
use dcm_store::{Batch, Expect, MemoryStore, Scope, Store, StoreExt as _, Vault};
use dcm_testkit::issuer::{Issuer, MOUNT, PROVISIONER, TOKEN};
use dcm_types::ca::{AuthorityScope, AuthoritySummary, CaController as _, Requester};
use dcm_types::documents::ca::CaAuthority;
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, Randomness};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey, Timestamp,
};
use jiff::SignedDuration;
use parking_lot::Mutex;
use rand::RngCore as _;

/// The real time, and what a test added to it.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<SignedDuration>);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::now() + *self.0.lock()
    }
}

struct Random;

impl Randomness for Random {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

/// Which interface is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Vault,
    StepCa,
}

pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) ca: Controller,
    clock: Arc<Ahead>,
    store: Arc<dyn Store>,
    _folder: tempfile::TempDir,
}

/// Files and settings for an issuer.
pub(crate) fn settings(folder: &tempfile::TempDir, issuer: &Issuer, speaks: Speaks) -> Settings {
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    Settings {
        kind: match speaks {
            Speaks::Vault => Kind::Vault {
                mount: MOUNT.to_owned(),
                token_file: write("token", &format!("{TOKEN}\n")),
            },
            Speaks::StepCa => Kind::StepCa {
                provisioner: PROVISIONER.to_owned(),
                key_file: write("provisioner.key", issuer.provisioner_key()),
            },
        },
        url: issuer.url(),
        ca_file: write("ca.pem", issuer.authority()),
        anchor_file: write("anchor.pem", issuer.root()),
        timeout: Duration::from_secs(2),
    }
}

impl World {
    pub(crate) async fn new(speaks: Speaks) -> Self {
        Self::with(speaks, |_| {}).await
    }

    /// With settings that a test changes.
    pub(crate) async fn with(speaks: Speaks, change: impl FnOnce(&mut Settings)) -> Self {
        let issuer = Issuer::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder, &issuer, speaks);
        change(&mut settings);
        let (backend, anchor) = dcm_issuer::open(&settings).unwrap();
        let clock = Arc::new(Ahead::default());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let ca = Controller::new(Parts {
            store: store.clone(),
            vault: Arc::new(Vault::ephemeral()),
            clock: clock.clone(),
            randomness: Arc::new(Random),
            policy: Policy::default(),
        });
        let world = Self {
            issuer,
            ca: ca.with_issuer(backend, anchor),
            clock,
            store,
            _folder: folder,
        };
        world.create().await;
        world
    }

    async fn create(&self) {
        let cloud = LogicalCloud {
            uid: Random.uid(),
            key: cloud(),
            metadata: Metadata::default(),
            level: Level::default(),
            user: None,
            drift: DriftPolicy::default(),
            mesh: None,
            flat: false,
            created_at: self.clock.now(),
        };
        let mut batch = Batch::new();
        batch.put(&cloud, Expect::Absent).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    pub(crate) fn forward(&self, by: Duration) {
        *self.clock.0.lock() += SignedDuration::try_from(by).unwrap();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Both loops go round once. When the issuer is asked again.
    pub(crate) async fn look(&self) -> Option<Timestamp> {
        self.ca.look_at_all().await.unwrap();
        let next = self.ca.ask_issuer().await.unwrap();
        self.ca.look_at_all().await.unwrap();
        next
    }

    /// Asks for a bundle, which waits for a signature.
    pub(crate) async fn begin(&self) {
        let waits = self.ca.ensure_bundle(&target()).await.unwrap_err();
        assert!(waits.message.contains("waits for a signature"), "{waits}");
    }

    pub(crate) async fn authority(&self) -> CaAuthority {
        let all = self.store.read_all::<CaAuthority>(Scope::All).await;
        let mut all = all.unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0).document
    }

    pub(crate) async fn shown(&self) -> AuthoritySummary {
        self.ca.show(&AuthorityScope::Cloud(cloud())).await.unwrap()
    }
}

pub(crate) fn cloud() -> CloudKey {
    CloudKey {
        project: ProjectName::parse("acme").unwrap(),
        cloud: CloudName::parse("shop").unwrap(),
    }
}

pub(crate) fn target() -> TargetKey {
    TargetKey {
        cloud: cloud(),
        cluster: ClusterKey {
            provider: ProviderName::parse("edge").unwrap(),
            cluster: ClusterName::parse("near").unwrap(),
        },
    }
}

pub(crate) fn somebody() -> Requester {
    Requester {
        principal: "alice".to_owned(),
        origin: String::new(),
        request: "request-1".to_owned(),
    }
}
