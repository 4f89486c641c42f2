//! A world to test in: a store, a synchronizer that records what it is told, a clock that stands still.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_app::{App, CloudDetail, Error, Parts, Policy, Precondition, Principal, Saved};
use dcm_store::{MemoryStore, SqliteStore, Store, StoreExt as _, Vault};
use dcm_types::documents::{
    AuditRecord, Isolation, Level, Metadata, PodSecurity, Privileged, ProjectPolicy,
};
use dcm_types::drafts::{
    ClusterDraft, LogicalCloudDraft, PermissionDraft, ProjectDraft, ProviderDraft, QuotaDraft,
    ReferenceDraft, UserDraft,
};
use dcm_types::permission::Rule;
use dcm_types::ports::{Clock, Nudge, PortError, Randomness, StatusChange, Synchronizer};
use dcm_types::quota::QuotaLimits;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, Description, Key, Kind, NamespaceName,
    PermissionName, ProjectName, ProviderName, QuotaName, ReferenceName, Timestamp, UserName,
};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use rand::RngCore as _;
use secrecy::SecretString;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) synchronizer: Arc<Recorder>,
    pub(crate) clock: Arc<StoppedClock>,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    pub(crate) fn in_memory() -> Self {
        let clock = Arc::new(StoppedClock::new());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        Self::with(store, clock)
    }

    pub(crate) fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self::on_disk_in(folder.path());
        Self {
            _folder: Some(folder),
            ..world
        }
    }

    /// On what is in a folder, or on nothing.
    pub(crate) fn on_disk_in(folder: &Path) -> Self {
        let clock = Arc::new(StoppedClock::new());
        let path = folder.join("data").join("dcm.sqlite");
        let store = SqliteStore::open(&path, clock.clone()).unwrap();
        Self::with(Arc::new(store), clock)
    }

    /// With a vault that opens what was sealed before.
    pub(crate) fn sealed_by(self, vault: Arc<Vault>) -> Self {
        let world = Self { vault, ..self };
        Self {
            app: world.another(),
            ..world
        }
    }

    fn with(store: Arc<dyn Store>, clock: Arc<StoppedClock>) -> Self {
        let vault = Arc::new(Vault::ephemeral());
        let synchronizer = Arc::new(Recorder::new());
        let app = App::new(Parts {
            store: store.clone(),
            vault: vault.clone(),
            synchronizer: synchronizer.clone(),
            authorities: authorities(&store, &vault, &clock),
            clock: clock.clone(),
            randomness: Arc::new(SystemRandomness),
            policy: Policy::default(),
        });
        Self {
            app,
            store,
            vault,
            synchronizer,
            clock,
            _folder: None,
        }
    }

    /// Another process on the same documents.
    pub(crate) fn another(&self) -> App {
        App::new(Parts {
            store: self.store.clone(),
            vault: self.vault.clone(),
            synchronizer: self.synchronizer.clone(),
            authorities: authorities(&self.store, &self.vault, &self.clock),
            clock: self.clock.clone(),
            randomness: Arc::new(SystemRandomness),
            policy: Policy::default(),
        })
    }

    /// Registers clusters of the provider `edge`.
    pub(crate) async fn register(&self, clusters: &[&str]) {
        let provider = ProviderDraft {
            name: ProviderName::parse("edge").unwrap(),
            metadata: Metadata::default(),
        };
        self.app.create_provider(&who(), provider).await.ok();
        for name in clusters {
            let key = cluster(name);
            let draft = cluster_draft(name, "https://52.1.2.3:6443");
            self.app
                .create_cluster(&who(), &key.provider, draft)
                .await
                .unwrap();
        }
    }

    pub(crate) async fn project(&self, name: &str) {
        let draft = project_draft(name, "");
        self.app.create_project(&who(), draft).await.unwrap();
    }

    /// Turns the policy of a project.
    pub(crate) async fn let_privileged(&self, project: &str, privileged: Privileged) {
        let mut draft = project_draft(project, "");
        draft.policy.privileged = privileged;
        let name = draft.name.clone();
        self.app
            .put_project(&who(), &name, draft, Precondition::None)
            .await
            .unwrap();
    }

    pub(crate) async fn cloud(&self, key: &CloudKey) -> Saved<CloudDetail> {
        let draft = cloud_draft(key.cloud.as_str());
        self.app
            .create_logical_cloud(&who(), &key.project, draft)
            .await
            .unwrap()
    }

    pub(crate) async fn refer(&self, key: &CloudKey, name: &str) {
        self.app
            .put_reference_of(&who(), key, &cluster(name), None, Precondition::None)
            .await
            .unwrap();
    }

    /// A project with a cloud that references clusters, not instantiated.
    pub(crate) async fn cloud_on(&self, clusters: &[&str]) -> CloudKey {
        self.register(clusters).await;
        self.project("p").await;
        let key = cloud_key("p", "lc");
        self.cloud(&key).await;
        for name in clusters {
            self.refer(&key, name).await;
        }
        key
    }

    /// All audit records of a scope, oldest first.
    pub(crate) async fn records(&self, scope: &str) -> Vec<AuditRecord> {
        let scope = dcm_store::Scope::Under(scope.to_owned());
        let found = self.store.read_all::<AuditRecord>(scope).await.unwrap();
        found.into_iter().map(|found| found.document).collect()
    }

    /// What was done in a scope, as `verb object`, oldest first.
    pub(crate) async fn deeds(&self, scope: &str) -> Vec<String> {
        let records = self.records(scope).await;
        records
            .into_iter()
            .map(|record| format!("{} {}", record.verb, record.object))
            .collect()
    }

    pub(crate) async fn exists(&self, key: &Key) -> bool {
        self.store.get(key).await.unwrap().is_some()
    }
}

/// Waits for a condition; fails the test when it does not come true.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn who() -> Principal {
    Principal::local_operator("127.0.0.1".to_owned(), "request-1".to_owned())
}

pub(crate) fn kind<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Kind {
    outcome.unwrap_err().kind
}

pub(crate) fn cloud_key(project: &str, cloud: &str) -> CloudKey {
    CloudKey {
        project: ProjectName::parse(project).unwrap(),
        cloud: CloudName::parse(cloud).unwrap(),
    }
}

pub(crate) fn cluster(name: &str) -> ClusterKey {
    ClusterKey {
        provider: ProviderName::parse("edge").unwrap(),
        cluster: ClusterName::parse(name).unwrap(),
    }
}

pub(crate) fn reference_name(name: &str) -> ReferenceName {
    ReferenceName::parse(name).unwrap()
}

pub(crate) fn described(text: &str) -> Metadata {
    Metadata {
        description: Description::parse(text).unwrap(),
        ..Metadata::default()
    }
}

pub(crate) fn project_draft(name: &str, description: &str) -> ProjectDraft {
    ProjectDraft {
        name: ProjectName::parse(name).unwrap(),
        metadata: described(description),
        policy: ProjectPolicy::default(),
    }
}

pub(crate) fn cluster_draft(name: &str, server: &str) -> ClusterDraft {
    ClusterDraft {
        name: ClusterName::parse(name).unwrap(),
        metadata: Metadata::default(),
        kubeconfig: Some(SecretString::from(kubeconfig(server))),
        git_ops: None,
        public_address: None,
        public_certificate_authority: None,
        labels: None,
    }
}

/// A token that is looked for wherever it must not be.
pub(crate) const CANARY: &str = "DCMCANARY-token-7";

pub(crate) fn kubeconfig(server: &str) -> String {
    let encoded = STANDARD.encode(include_str!("../data/ca.pem"));
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\n\
         clusters:\n- name: c\n  cluster:\n    server: {server}\n    \
         certificate-authority-data: {encoded}\n\
         users:\n- name: u\n  user:\n    token: {CANARY}\n\
         contexts:\n- name: main\n  context:\n    cluster: c\n    user: u\n"
    )
}

pub(crate) fn cloud_draft(name: &str) -> LogicalCloudDraft {
    LogicalCloudDraft {
        name: CloudName::parse(name).unwrap(),
        metadata: Metadata::default(),
        level: Level::Standard,
        namespace: Some(NamespaceName::parse("payments").unwrap()),
        labels: [("team".to_owned(), "a".to_owned())].into(),
        isolation: Isolation::Baseline,
        pod_security: PodSecurity::Baseline,
        drift: dcm_types::documents::DriftPolicy::Correct,
        mesh: None,
        user: Some(UserDraft {
            name: UserName::parse("bob").unwrap(),
            metadata: Metadata::default(),
            credential: dcm_types::documents::CredentialKind::Certificate,
            signing_request: None,
        }),
        flat: false,
        clusters: Vec::new(),
        permissions: Vec::new(),
        quotas: Vec::new(),
    }
}

pub(crate) fn reference_draft(name: Option<&str>, of: &str) -> ReferenceDraft {
    ReferenceDraft {
        name: name.map(reference_name),
        metadata: Metadata::default(),
        cluster: cluster(of),
        load_balancer_address: None,
    }
}

pub(crate) fn quota_draft(name: &str, pods: &str) -> QuotaDraft {
    QuotaDraft {
        name: QuotaName::parse(name).unwrap(),
        metadata: Metadata::default(),
        limits: QuotaLimits::parse([("pods".to_owned(), pods.to_owned())].into()).unwrap(),
    }
}

pub(crate) fn user_draft(name: &str, description: &str) -> UserDraft {
    UserDraft {
        name: UserName::parse(name).unwrap(),
        metadata: described(description),
        credential: dcm_types::documents::CredentialKind::Certificate,
        signing_request: None,
    }
}

pub(crate) fn permission_draft(name: &str, resource: &str) -> PermissionDraft {
    PermissionDraft {
        name: PermissionName::parse(name).unwrap(),
        metadata: Metadata::default(),
        namespace: None,
        user: None,
        rule: Rule {
            api_groups: vec![String::new()],
            resources: vec![resource.to_owned()],
            verbs: vec!["get".to_owned(), "create".to_owned()],
        },
    }
}

/// A clock that moves only when it is told to.
pub(crate) struct StoppedClock(Mutex<Timestamp>);

impl StoppedClock {
    fn new() -> Self {
        Self(Mutex::new("2026-03-01T12:00:00Z".parse().unwrap()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock() += by;
    }
}

impl Clock for StoppedClock {
    /// Every look is a microsecond later, so that audit records have an order.
    fn now(&self) -> Timestamp {
        self.advance(Duration::from_micros(1));
        *self.0.lock()
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

/// A synchronizer that does nothing and remembers what it was told.
pub(crate) struct Recorder {
    nudges: Mutex<Vec<Nudge>>,
    fails: Mutex<bool>,
    status: broadcast::Sender<StatusChange>,
}

impl Recorder {
    fn new() -> Self {
        Self {
            nudges: Mutex::default(),
            fails: Mutex::new(false),
            status: broadcast::channel(64).0,
        }
    }

    pub(crate) fn nudges(&self) -> Vec<Nudge> {
        std::mem::take(&mut *self.nudges.lock())
    }

    pub(crate) fn fail(&self) {
        *self.fails.lock() = true;
    }

    pub(crate) fn tell(&self, change: StatusChange) {
        self.status.send(change).ok();
    }
}

#[async_trait]
impl Synchronizer for Recorder {
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError> {
        if *self.fails.lock() {
            return Err(PortError::new(Kind::Unavailable, "not there"));
        }
        self.nudges.lock().push(nudge);
        Ok(())
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        BroadcastStream::new(self.status.subscribe())
            .filter_map(async |change| change.ok())
            .boxed()
    }
}

/// The real controller on the same documents.
fn authorities(
    store: &Arc<dyn Store>,
    vault: &Arc<Vault>,
    clock: &Arc<StoppedClock>,
) -> Arc<dcm_ca::Controller> {
    Arc::new(dcm_ca::Controller::new(dcm_ca::Parts {
        store: store.clone(),
        vault: vault.clone(),
        clock: clock.clone(),
        randomness: Arc::new(SystemRandomness),
        policy: dcm_ca::Policy::default(),
    }))
}
