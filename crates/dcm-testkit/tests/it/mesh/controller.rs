//! The CA controller in a process that can be killed: what it knows is in a file, and nothing else goes on with the next
//! one. A process is a runtime of its own, so that whatever is under way in it ends wherever it just is.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use dcm_ca::{Controller, Parts, Policy};
use dcm_store::{Batch, Expect, SqliteStore, Store as _, Vault};
use dcm_testkit::mesh::Authority;
use dcm_types::ca::{
    AuthorityScope, AuthoritySummary, CaBundle, CaController as _, Evidence, EvidenceStage,
    Requester, RotationKind, RotationState, StartRotation,
};
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, PortError, Randomness};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey, Timestamp,
};
use parking_lot::Mutex;
use rand::RngCore as _;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::processes::wait_until;

/// Far above what the end of a runtime takes.
const END: Duration = Duration::from_secs(30);

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

/// See the module.
pub(super) struct Ca {
    // Fields are dropped in this order: the process ends before its folder goes.
    process: Mutex<Option<Process>>,
    policy: Policy,
    vault: Arc<Vault>,
    folder: tempfile::TempDir,
}

struct Process {
    runtime: Runtime,
    controller: Controller,
    store: Arc<SqliteStore>,
}

impl Ca {
    /// Starts the first process, on an empty file.
    pub(super) fn start(policy: Policy) -> Self {
        assert_eq!(policy.check(), vec![]);
        let ca = Self {
            process: Mutex::new(None),
            policy,
            vault: Arc::new(Vault::ephemeral()),
            folder: tempfile::tempdir().unwrap(),
        };
        *ca.process.lock() = Some(ca.another());
        ca
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.sqlite")
    }

    fn another(&self) -> Process {
        let store = Arc::new(SqliteStore::open(&self.file(), Arc::new(SystemClock)).unwrap());
        let controller = Controller::new(Parts {
            store: store.clone(),
            vault: self.vault.clone(),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            policy: self.policy.clone(),
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.spawn(dcm_ca::run(controller.clone(), CancellationToken::new()));
        Process {
            runtime,
            controller,
            store,
        }
    }

    /// Kills the process in the middle of whatever it does, and starts another one on its file.
    pub(super) fn kill(&self) {
        let mut process = self.process.lock();
        if let Some(old) = process.take() {
            let held = Arc::downgrade(&old.store);
            old.end();
            wait_until("the file to be free", || Weak::strong_count(&held) == 0);
        }
        *process = Some(self.another());
    }

    /// What the process of now answers; `None`: it was killed before it did.
    fn ask<T, A>(&self, asked: impl FnOnce(Controller) -> A) -> Option<Result<T, PortError>>
    where
        A: Future<Output = Result<T, PortError>> + Send + 'static,
        T: Send + 'static,
    {
        // The sender goes with the task, wherever that ends.
        let (sender, answer) = mpsc::channel();
        {
            let process = self.process.lock();
            let process = process.as_ref()?;
            let asked = asked(process.controller.clone());
            process
                .runtime
                .spawn(async move { sender.send(asked.await).ok() });
        }
        answer.recv().ok()
    }

    /// The same again and again until it is answered.
    fn answer<T, A>(&self, asked: impl Fn(Controller) -> A) -> Result<T, PortError>
    where
        A: Future<Output = Result<T, PortError>> + Send + 'static,
        T: Send + 'static,
    {
        loop {
            if let Some(answer) = self.ask(&asked) {
                return answer;
            }
        }
    }

    /// A logical cloud, as use cases would make it.
    pub(super) fn create(&self, name: &str) {
        let document = LogicalCloud {
            uid: SystemRandomness.uid(),
            key: cloud(name),
            metadata: Metadata::default(),
            level: Level::default(),
            user: None,
            drift: DriftPolicy::default(),
            flat: false,
            mesh: None,
            created_at: Timestamp::now(),
        };
        let mut batch = Batch::new();
        batch.put(&document, Expect::Absent).unwrap();
        let process = self.process.lock();
        let process = process.as_ref().unwrap();
        let committed = process.runtime.block_on(process.store.commit(batch));
        committed.unwrap();
    }

    pub(super) fn rotate(&self, cloud: &CloudKey, kind: RotationKind) -> RotationState {
        let start = StartRotation {
            cloud: cloud.clone(),
            kind,
            dry_run: false,
        };
        let by = Requester {
            principal: "alice".to_owned(),
            origin: String::new(),
            request: String::new(),
        };
        let begun = self.answer(move |ca| {
            let (start, by) = (start.clone(), by.clone());
            async move { ca.start_rotation(&start, &by).await }
        });
        begun.unwrap()
    }

    pub(super) fn rotation(&self, cloud: &CloudKey) -> RotationState {
        let cloud = cloud.clone();
        let state = self.answer(move |ca| {
            let cloud = cloud.clone();
            async move { ca.get_rotation(&cloud).await }
        });
        state.unwrap()
    }

    pub(super) fn authority(&self, cloud: &CloudKey) -> AuthoritySummary {
        let scope = AuthorityScope::Cloud(cloud.clone());
        let shown = self.answer(move |ca| {
            let scope = scope.clone();
            async move { ca.show(&scope).await }
        });
        shown.unwrap()
    }

    /// How many events there are; each of them is in its chain.
    pub(super) fn verified_events(&self, cloud: &CloudKey) -> u64 {
        let scope = AuthorityScope::Cloud(cloud.clone());
        let report = self.answer(move |ca| {
            let scope = scope.clone();
            async move { ca.verify_audit(&scope).await }
        });
        let report = report.unwrap();
        assert_eq!(report.bad, vec![]);
        report.verified
    }
}

impl Authority for Ca {
    fn bundle(&self, target: &TargetKey) -> Option<CaBundle> {
        let target = target.clone();
        let asked = self.ask(|ca| async move { ca.ensure_bundle(&target).await });
        asked.map(Result::unwrap)
    }

    fn report(&self, bundle: &CaBundle, stage: EvidenceStage) -> bool {
        let evidence = Evidence {
            target: bundle.target.clone(),
            cloud_uid: bundle.cloud_uid,
            version: bundle.version,
            stage,
        };
        let asked = self.ask(|ca| async move { ca.report_evidence(&evidence).await });
        asked.map(Result::unwrap).is_some()
    }
}

impl Process {
    fn end(self) {
        drop((self.controller, self.store));
        self.runtime.shutdown_timeout(END);
    }
}

pub(super) fn cloud(name: &str) -> CloudKey {
    CloudKey {
        project: ProjectName::parse("acme").unwrap(),
        cloud: CloudName::parse(name).unwrap(),
    }
}

pub(super) fn target(cloud: &CloudKey, cluster: &str) -> TargetKey {
    TargetKey {
        cloud: cloud.clone(),
        cluster: ClusterKey {
            provider: ProviderName::parse("edge").unwrap(),
            cluster: ClusterName::parse(cluster).unwrap(),
        },
    }
}
