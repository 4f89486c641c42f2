//! A store, a synchronizer and real clusters; verbs that write documents and wait for conditions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use dcm_cluster::meddling::{Ledger, MeddlingConnector};
use dcm_cluster::{Connector, KubeConnector};
use dcm_store::vault::Place;
use dcm_store::{Batch, Expect, MemoryStore, Scope, Store, StoreExt as _, Vault};
use dcm_sync::{Authorities, Config, Handle, Parts, Time};
use dcm_testkit::ControlPlane;
use dcm_testkit::kubesim::VirtualClock;
use dcm_types::address::AddressPolicy;
use dcm_types::documents::{
    Access, Cluster, CredentialKind, Isolation, Level, Lifecycle, Member, Observed, PodSecurity,
    Reservation, Revision, RevisionPermission, RevisionQuota, RevisionUser, Slice, Target, Wish,
};
use dcm_types::permission::{Reach, Rule};
use dcm_types::ports::{Clock, Nudge, Randomness, Synchronizer as _};
use dcm_types::quota::QuotaLimits;
use dcm_types::sealed::Purpose;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, Condition, ConditionStatus, Document as _,
    DocumentKind, Key, NamespaceName, PermissionName, ProjectName, ProviderName, QuotaName,
    TargetKey, Timestamp, Track, Uid, UserName,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod members;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The system's time, or a virtual one; and how far a test has moved it.
#[derive(Default)]
pub(crate) struct SystemClock {
    simulated: Option<VirtualClock>,
    ahead_seconds: AtomicI64,
}

impl SystemClock {
    pub(crate) fn advance(&self, time: Duration) {
        self.step(i64::try_from(time.as_secs()).unwrap());
    }

    /// Jumps by so many seconds, either way.
    pub(crate) fn step(&self, seconds: i64) {
        self.ahead_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = self
            .simulated
            .as_ref()
            .map_or_else(Timestamp::now, Clock::now);
        now + jiff::SignedDuration::from_secs(self.ahead_seconds.load(Ordering::Relaxed))
    }
}

pub(crate) struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        rand::fill(buffer);
    }
}

/// A synchronizer over a store that outlives it.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) handle: Handle,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) authorities: Option<Authorities>,
    connector: Arc<dyn Connector>,
    ended: Ended,
    config: Config,
}

/// Ends the synchronizer with the world.
struct Ended(CancellationToken);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Settings with short times.
pub(crate) fn quick() -> Config {
    Config {
        scan_interval: Time::hours(1),
        backoff_first: Time::millis(50),
        backoff_cap: Time::seconds(1),
        connect_deadline: Time::seconds(2),
        call_deadline: Time::seconds(4),
        run_deadline: Time::seconds(2),
        health_interval: Time::seconds(2),
        usage_interval: Time::millis(200),
        ..Config::default()
    }
}

/// Reaches real control planes.
fn real(config: &Config) -> KubeConnector {
    let policy = AddressPolicy {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        own: Vec::new(),
    };
    KubeConnector::new(policy, config.call_limits())
}

fn start(
    store: &Arc<dyn Store>,
    vault: &Arc<Vault>,
    connector: &Arc<dyn Connector>,
    clock: &Arc<SystemClock>,
    authorities: Option<&Authorities>,
    config: &Config,
) -> (Handle, CancellationToken) {
    let cancellation = CancellationToken::new();
    let parts = Parts {
        store: Arc::clone(store),
        vault: Arc::clone(vault),
        clock: Arc::clone(clock) as _,
        randomness: Arc::new(SystemRandomness),
        connector: Arc::clone(connector),
        metrics: dcm_sync::Metrics::default(),
        authorities: authorities.cloned(),
        config: config.clone(),
    };
    (dcm_sync::start(parts, cancellation.clone()), cancellation)
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(quick())
    }

    pub(crate) fn with(config: Config) -> Self {
        let connector = real(&config);
        Self::on(config, SystemClock::default(), connector)
    }

    fn on(config: Config, clock: SystemClock, connector: impl Connector) -> Self {
        let ledger = Arc::new(Ledger::default());
        let connector = MeddlingConnector::new(connector, Arc::clone(&ledger));
        Self {
            ledger,
            ..Self::reaching(config, clock, Arc::new(connector))
        }
    }

    /// Over members that a test makes up.
    pub(crate) fn over(config: Config, connector: Arc<dyn Connector>) -> Self {
        Self::reaching(config, SystemClock::default(), connector)
    }

    fn reaching(config: Config, clock: SystemClock, connector: Arc<dyn Connector>) -> Self {
        let clock = Arc::new(clock);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
        let vault = Arc::new(Vault::ephemeral());
        let (handle, cancellation) = start(&store, &vault, &connector, &clock, None, &config);
        Self {
            store,
            vault,
            ledger: Arc::default(),
            connector,
            handle,
            clock,
            authorities: None,
            ended: Ended(cancellation),
            config,
        }
    }

    /// Ends the synchronizer and starts another one on the same store, as after a restart.
    pub(crate) async fn restart(&mut self) {
        self.ended.0.cancel();
        self.handle.stopped().await;
        let (handle, cancellation) = start(
            &self.store,
            &self.vault,
            &self.connector,
            &self.clock,
            self.authorities.as_ref(),
            &self.config,
        );
        self.handle = handle;
        self.ended = Ended(cancellation);
    }

    /// Registers a control plane under a name.
    pub(crate) async fn register(&self, name: &str, kubeconfig: &str) -> ClusterKey {
        let key = ClusterKey {
            provider: ProviderName::parse("site").unwrap(),
            cluster: ClusterName::parse(name).unwrap(),
        };
        let credential = dcm_pki::kubeconfig::parse(kubeconfig.as_bytes()).unwrap();
        let uid = SystemRandomness.uid();
        let document = Key::cluster(&key);
        let place = Place {
            key: &document,
            uid,
            field: "credential",
            epoch: 1,
        };
        let json = credential.to_json();
        let sealed = self
            .vault
            .seal(
                Purpose::ClusterCredential,
                &place,
                json.expose_secret().as_bytes(),
            )
            .unwrap();
        let cluster = Cluster {
            uid,
            key: key.clone(),
            metadata: dcm_types::documents::Metadata::default(),
            server: credential.server.to_string(),
            credential: sealed,
            credential_epoch: 1,
            git_ops: dcm_types::documents::GitOps::default(),
            public: dcm_types::documents::PublicAccess::default(),
            created_at: Timestamp::now(),
        };
        self.put(&cluster, Expect::Anything).await;
        key
    }

    pub(crate) async fn put<D: dcm_types::Document>(&self, document: &D, expect: Expect) {
        let mut batch = Batch::new();
        batch.put(document, expect).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    /// Wishes a revision, as an accepted action does.
    pub(crate) async fn wish(&self, revision: &Revision) {
        commit_wish(self.store.as_ref(), revision).await;
        self.handle
            .nudge(Nudge::Cloud(revision.cloud.clone()))
            .await
            .unwrap();
    }

    pub(crate) async fn target(&self, key: &TargetKey) -> Option<Target> {
        let target = self.store.read::<Target>(&Key::target(key)).await.unwrap();
        target.map(|target| target.document)
    }

    /// Waits until a target satisfies a condition, and returns it.
    pub(crate) async fn until(
        &self,
        key: &TargetKey,
        what: &str,
        holds: impl Fn(&Target) -> bool,
    ) -> Target {
        let started = Instant::now();
        loop {
            let target = self.target(key).await;
            if let Some(target) = &target
                && holds(target)
            {
                return target.clone();
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{key}: not {what}: {target:#?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a generation was read back completely.
    pub(crate) async fn ready(&self, key: &TargetKey, generation: u64) -> Target {
        self.until(key, "ready", |target| is_ready(target, generation))
            .await
    }

    /// Waits until nothing is left.
    pub(crate) async fn absent(&self, key: &TargetKey) -> Target {
        self.until(key, "absent", |target| target.observed == Observed::Absent)
            .await
    }

    /// Waits until the driver has nothing more to do for a while: no calls for the given time.
    pub(crate) async fn quiet(&self, time: Duration) {
        let mut seen = self.ledger.calls().len();
        let mut since = Instant::now();
        while since.elapsed() < time {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = self.ledger.calls().len();
            if now != seen {
                seen = now;
                since = Instant::now();
            }
        }
    }

    pub(crate) async fn access(&self, key: &TargetKey, user: &str) -> Option<Access> {
        let key = Key::access(key, &UserName::parse(user).unwrap());
        self.store
            .read::<Access>(&key)
            .await
            .unwrap()
            .map(|access| access.document)
    }

    /// The tenant's kubeconfig of a member, as YAML.
    pub(crate) fn kubeconfig(&self, access: &Access) -> String {
        let current = access.current.as_ref().expect("a certificate was issued");
        let key = access.key();
        let place = Place {
            key: &key,
            uid: access.uid,
            field: "kubeconfig",
            epoch: current.epoch,
        };
        let plain = self
            .vault
            .unseal(Purpose::TenantKubeconfig, &place, &current.kubeconfig)
            .unwrap();
        let entry =
            dcm_pki::kubeconfig::TenantKubeconfig::from_json(plain.expose_secret()).unwrap();
        dcm_pki::kubeconfig::render(&[entry], 0)
            .expose_secret()
            .to_owned()
    }

    /// All documents of a kind below a path.
    pub(crate) async fn all<D: dcm_types::Document>(&self, under: &str) -> Vec<D> {
        let all = self
            .store
            .read_all::<D>(Scope::Under(under.to_owned()))
            .await
            .unwrap();
        all.into_iter()
            .map(|versioned| versioned.document)
            .collect()
    }

    pub(crate) async fn reservation(&self, key: &ClusterKey, namespace: &str) -> bool {
        let key = Key::reservation(key, &NamespaceName::parse(namespace).unwrap());
        assert_eq!(key.kind(), DocumentKind::Reservation);
        self.store.get(&key).await.unwrap().is_some()
    }
}

pub(crate) fn is_ready(target: &Target, generation: u64) -> bool {
    matches!(target.observed, Observed::Known { generation: known, .. } if known == generation)
        && target
            .conditions
            .iter()
            .all(|c| c.status == ConditionStatus::True)
}

pub(crate) fn condition(target: &Target, track: Track) -> &Condition {
    target
        .conditions
        .iter()
        .find(|condition| condition.track == track)
        .expect("every track has one")
}

/// A number that no other test of this process uses.
pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A revision of a new cloud with a namespace of its own: one user, one permission on `ConfigMaps`, one
/// quota on them.
pub(crate) fn revision(members: &[&ClusterKey]) -> Revision {
    let number = unique();
    let cloud = CloudKey {
        project: ProjectName::parse("shop").unwrap(),
        cloud: CloudName::parse(&format!("cloud-{number}")).unwrap(),
    };
    let cloud_uid = SystemRandomness.uid();
    let user = UserName::parse("alice").unwrap();
    Revision {
        cloud,
        cloud_uid,
        generation: 1,
        wish: Wish::Present,
        level: Level::Standard,
        members: members
            .iter()
            .map(|key| Member {
                cluster: (*key).clone(),
                load_balancer_address: None,
            })
            .collect(),
        slice: Slice {
            namespace: NamespaceName::parse(&format!("it-{}-{number}", std::process::id()))
                .unwrap(),
            labels: BTreeMap::new(),
            isolation: Isolation::Baseline,
            pod_security: PodSecurity::Baseline,
            drift: dcm_types::documents::DriftPolicy::Correct,
            mesh: None,
            quotas: vec![quota("limits", &[("configmaps", "3")])],
            users: vec![RevisionUser {
                uid: SystemRandomness.uid(),
                name: user.clone(),
                identity: identity(cloud_uid),
                credential: CredentialKind::Certificate,
            }],
            permissions: vec![permission("maps", &["configmaps"])],
        },
        created_at: Timestamp::now(),
    }
}

/// Adds a user to a revision.
pub(crate) fn add_user(revision: &mut Revision, name: &str) {
    revision.slice.users.push(RevisionUser {
        uid: SystemRandomness.uid(),
        name: UserName::parse(name).unwrap(),
        identity: identity(revision.cloud_uid),
        credential: CredentialKind::Certificate,
    });
}

fn identity(cloud: Uid) -> String {
    dcm_types::member_name::user_identity(cloud, cloud, SystemRandomness.uid(), 1)
}

pub(crate) fn quota(name: &str, limits: &[(&str, &str)]) -> RevisionQuota {
    let limits = limits
        .iter()
        .map(|(key, amount)| ((*key).to_owned(), (*amount).to_owned()))
        .collect();
    RevisionQuota {
        name: QuotaName::parse(name).unwrap(),
        limits: QuotaLimits::parse(limits).unwrap(),
    }
}

pub(crate) fn permission(name: &str, resources: &[&str]) -> RevisionPermission {
    RevisionPermission {
        uid: SystemRandomness.uid(),
        name: PermissionName::parse(name).unwrap(),
        user: UserName::parse("alice").unwrap(),
        reach: Reach::Own,
        rules: vec![Rule {
            api_groups: vec![String::new()],
            resources: resources.iter().map(|r| (*r).to_owned()).collect(),
            verbs: ["get", "list", "create", "delete"]
                .map(str::to_owned)
                .to_vec(),
        }],
    }
}

/// A permission to read in the whole cluster, or to write in another namespace.
pub(crate) fn outside(
    name: &str,
    resources: &[&str],
    namespace: Option<&str>,
) -> RevisionPermission {
    let mut permission = permission(name, resources);
    if let Some(name) = namespace {
        permission.reach = Reach::Namespace(NamespaceName::parse(name).unwrap());
    } else {
        permission.reach = Reach::Cluster;
        permission.rules[0].verbs = vec!["get".to_owned(), "list".to_owned()];
    }
    permission
}

/// The next revision: the same content until it is changed.
pub(crate) fn next(revision: &Revision) -> Revision {
    Revision {
        generation: revision.generation + 1,
        ..revision.clone()
    }
}

/// The next revision, which wishes nothing.
pub(crate) fn terminated(revision: &Revision) -> Revision {
    Revision {
        wish: Wish::Absent,
        members: Vec::new(),
        ..next(revision)
    }
}

pub(crate) fn target(revision: &Revision, cluster: &ClusterKey) -> TargetKey {
    TargetKey {
        cloud: revision.cloud.clone(),
        cluster: cluster.clone(),
    }
}

/// Runs kubectl as administrator; fails the test when it fails.
pub(crate) fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> String {
    let (ok, text) = try_kubectl(plane, arguments);
    assert!(ok, "kubectl {arguments:?}: {text}");
    text
}

pub(crate) fn try_kubectl(plane: &ControlPlane, arguments: &[&str]) -> (bool, String) {
    output(plane.kubectl().args(arguments))
}

/// Runs kubectl with a kubeconfig of its own.
pub(crate) fn kubectl_as(
    plane: &ControlPlane,
    kubeconfig: &str,
    arguments: &[&str],
) -> (bool, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig).unwrap();
    output(
        plane
            .kubectl()
            .env("KUBECONFIG", file.path())
            .arg("--kubeconfig")
            .arg(file.path())
            .args(arguments),
    )
}

fn output(command: &mut std::process::Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// An object as JSON.
pub(crate) fn object(plane: &ControlPlane, arguments: &[&str]) -> Option<Value> {
    let arguments = [&["get", "-o", "json", "--ignore-not-found"], arguments].concat();
    let text = kubectl(plane, &arguments);
    (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
}

/// Names of everything that carries the owner label of a cloud.
pub(crate) fn owned(plane: &ControlPlane, cloud: Uid) -> Vec<String> {
    let kinds = "namespaces,configmaps,resourcequotas,limitranges,networkpolicies,roles,rolebindings,certificatesigningrequests,serviceaccounts,clusterroles,clusterrolebindings";
    let selector = format!("dcm.internal/cloud={cloud}");
    let text = kubectl(plane, &["get", kinds, "-A", "-l", &selector, "-o", "name"]);
    text.lines()
        .filter(|line| line.contains('/'))
        .map(str::to_owned)
        .collect()
}

/// Commits a revision as the wanted one, with its reservations.
pub(crate) async fn commit_wish(store: &dyn Store, revision: &Revision) {
    let lifecycle = Lifecycle {
        cloud: revision.cloud.clone(),
        cloud_uid: revision.cloud_uid,
        generation: revision.generation,
        wish: revision.wish,
        delete_when_absent: false,
        paused_at: None,
        history: Vec::new(),
        forgotten: 0,
    };
    let mut batch = Batch::new();
    batch.put(revision, Expect::Absent).unwrap();
    batch.put(&lifecycle, Expect::Anything).unwrap();
    for member in &revision.members {
        let reservation = Reservation {
            cluster: member.cluster.clone(),
            namespace: revision.slice.namespace.clone(),
            cloud: revision.cloud.clone(),
            cloud_uid: revision.cloud_uid,
        };
        batch.put(&reservation, Expect::Anything).unwrap();
    }
    store.commit(batch).await.unwrap();
}
