//! The stage: members, a store, and the lives of the synchronizers on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dcm_store::vault::Place;
use dcm_store::{Batch, Expect, MemoryStore, Store, Vault};
use dcm_sync::{Config, Handle, Metrics, Parts, Time};
use dcm_testkit::kubesim::{Fleet, Member, VirtualClock};
use dcm_types::documents::{Cluster, GitOps, Metadata, PublicAccess, Revision};
use dcm_types::ports::{Clock as _, Nudge, Randomness as _, Synchronizer as _};
use dcm_types::sealed::Purpose;
use dcm_types::{CloudKey, ClusterKey, ClusterName, Key, ProviderName, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::doors::{Door, FleetDoor, StoreDoor, Treason};
use super::funnel::{Funnel, Gate, Kind, Strike};
use super::observer::Observer;
use super::sites::{NAMES, SITES, START};
use super::wishes::Seeded;
use crate::world::commit_wish;

/// Nothing happens for so long: at rest.
const QUIET: Duration = Duration::from_secs(1);
/// How often it is looked whether all is at rest.
const LOOK: Duration = Duration::from_millis(100);

/// Settings of the simulated synchronizers: those of the product, with shorter deadlines.
pub(crate) fn settings() -> Config {
    Config {
        backoff_first: Time::millis(100),
        backoff_cap: Time::seconds(20),
        connect_deadline: Time::seconds(2),
        call_deadline: Time::seconds(4),
        run_deadline: Time::seconds(5),
        watch_idle: Time::hours(1),
        health_interval: Time::seconds(120),
        ..Config::default()
    }
}

/// One life of a synchronizer.
struct Life {
    gate: Arc<Gate>,
    handle: Handle,
    cancellation: CancellationToken,
}

/// How a stage is set.
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) synchronizers: usize,
    pub(crate) treason: Option<Arc<Treason>>,
}

impl Setting {
    /// One synchronizer that keeps its word.
    pub(crate) fn plain() -> Self {
        Self {
            seed: 1,
            synchronizers: 1,
            treason: None,
        }
    }
}

/// Everything of one run.
pub(crate) struct Stage {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) members: Vec<Member>,
    pub(crate) clusters: Vec<ClusterKey>,
    /// How many of them are registered.
    pub(crate) registered: usize,
    pub(crate) funnel: Arc<Funnel>,
    pub(crate) observer: Arc<Observer>,
    /// The last accepted wish of each cloud.
    pub(crate) wishes: BTreeMap<CloudKey, Revision>,
    pub(crate) random: Seeded,
    setting: Setting,
    config: Config,
    lives: Vec<Life>,
    births: u64,
}

impl Stage {
    /// Members that nobody knows yet, and a store that is empty. Must be made within a runtime.
    pub(crate) fn new(setting: Setting) -> Self {
        let start: Timestamp = START.parse().unwrap();
        let clock = Arc::new(VirtualClock::starting_at(start));
        let config = settings();
        let fleet = Arc::new(Fleet::new(config.call_limits()));
        let members: Vec<Member> = (1..)
            .zip(SITES.iter())
            .map(|(number, site)| site.member(number, Arc::clone(&clock) as _))
            .collect();
        for member in &members {
            member.keep_history(1 << 20);
            member.journal().start();
            fleet.add(member.clone());
        }
        let alone = setting.synchronizers == 1;
        Self {
            store: Arc::new(MemoryStore::new(Arc::clone(&clock) as _)),
            vault: Arc::new(Vault::ephemeral()),
            clusters: NAMES.map(cluster_key).to_vec(),
            registered: 0,
            funnel: Arc::new(Funnel::new()),
            observer: Arc::new(Observer::new(members.clone(), alone)),
            wishes: BTreeMap::new(),
            random: Seeded::new(setting.seed),
            clock,
            fleet,
            members,
            setting,
            config,
            lives: Vec::new(),
            births: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts the synchronizers.
    pub(crate) fn start(&mut self) {
        for slot in 0..self.setting.synchronizers {
            let life = self.bear(slot);
            self.lives.push(life);
        }
    }

    fn bear(&mut self, slot: usize) -> Life {
        self.births += 1;
        let gate = Arc::new(Gate::new());
        let door = Door {
            synchronizer: slot,
            funnel: Arc::clone(&self.funnel),
            gate: Arc::clone(&gate),
            observer: Arc::clone(&self.observer),
            treason: self.setting.treason.clone(),
            call_deadline: self.config.call_deadline.get(),
        };
        let own_seed = self.setting.seed.wrapping_mul(1_000_003) ^ self.births;
        let parts = Parts {
            store: Arc::new(StoreDoor {
                door: door.clone(),
                inner: Arc::clone(&self.store),
            }),
            vault: Arc::clone(&self.vault),
            clock: Arc::clone(&self.clock) as _,
            randomness: Arc::new(Seeded::new(own_seed)),
            connector: Arc::new(FleetDoor {
                door,
                fleet: Arc::clone(&self.fleet),
            }),
            metrics: Metrics::default(),
            authorities: None,
            config: self.config.clone(),
        };
        let cancellation = CancellationToken::new();
        Life {
            gate,
            handle: dcm_sync::start(parts, cancellation.clone()),
            cancellation,
        }
    }

    /// Starts a new synchronizer in the place of each dead one.
    pub(crate) fn revive(&mut self) {
        for slot in 0..self.lives.len() {
            if self.lives[slot].gate.is_dead() {
                self.funnel.note(format!("S{slot} is started again"));
                self.lives[slot].cancellation.cancel();
                self.lives[slot] = self.bear(slot);
            }
        }
    }

    /// Kills a synchronizer.
    pub(crate) fn kill(&self, slot: usize) {
        self.funnel.note(format!("S{slot} is killed"));
        self.lives[slot].gate.die();
    }

    /// Stops or wakes a synchronizer.
    pub(crate) fn freeze(&self, slot: usize, frozen: bool) {
        let what = if frozen { "is stopped" } else { "goes on" };
        self.funnel.note(format!("S{slot} {what}"));
        self.lives[slot].gate.freeze(frozen);
    }

    /// Registers some of the members.
    pub(crate) async fn register(&mut self, members: std::ops::Range<usize>) {
        self.registered = members.end;
        for number in members.clone() {
            let (key, site) = (&self.clusters[number], &SITES[number]);
            let uid = self.random.uid();
            let document = Key::cluster(key);
            let place = Place {
                key: &document,
                uid,
                field: "credential",
                epoch: 1,
            };
            let plain = site.credential.as_bytes();
            let sealed = self.vault.seal(Purpose::ClusterCredential, &place, plain);
            let cluster = Cluster {
                uid,
                key: key.clone(),
                metadata: Metadata::default(),
                server: site.server.clone(),
                credential: sealed.unwrap(),
                credential_epoch: 1,
                git_ops: GitOps::default(),
                public: PublicAccess::default(),
                created_at: self.now(),
            };
            let mut batch = Batch::new();
            batch.put(&cluster, Expect::Absent).unwrap();
            self.store.commit(batch).await.unwrap();
        }
        for key in &self.clusters[members] {
            for slot in 0..self.lives.len() {
                self.nudge(slot, Nudge::Cluster(key.clone())).await;
            }
        }
    }

    /// Accepts a wish, without telling anybody.
    pub(crate) async fn accept(&mut self, revision: &Revision) {
        commit_wish(self.store.as_ref(), revision).await;
        self.observer.wished(revision);
        let members = revision.members.iter();
        let members: Vec<_> = members
            .map(|member| member.cluster.cluster.as_str())
            .collect();
        let (cloud, generation) = (&revision.cloud, revision.generation);
        let (uid, wish) = (revision.cloud_uid, revision.wish);
        self.funnel.note(format!(
            "wished: {cloud} ({uid}) at {generation}: {wish:?} in {members:?}"
        ));
        self.wishes.insert(revision.cloud.clone(), revision.clone());
    }

    /// Accepts a wish, and tells a synchronizer.
    pub(crate) async fn wish(&mut self, revision: &Revision) {
        self.accept(revision).await;
        self.nudge(0, Nudge::Cloud(revision.cloud.clone())).await;
    }

    /// Tells a synchronizer that there is work.
    pub(crate) async fn nudge(&self, slot: usize, nudge: Nudge) {
        let life = &self.lives[slot];
        if life.gate.is_dead() {
            return;
        }
        let name = match &nudge {
            Nudge::Cloud(cloud) => cloud.to_string(),
            Nudge::Cluster(cluster) => cluster.to_string(),
        };
        let strike = self.funnel.enter(slot, Kind::Nudge, name).strike;
        if strike == Some(Strike::CrashBefore) {
            return life.gate.die();
        }
        // Apart: a synchronizer that is frozen does not hold up who tells it.
        let handle = life.handle.clone();
        tokio::spawn(async move { drop(handle.nudge(nudge).await) });
        if strike.is_some() {
            tokio::task::yield_now().await;
            life.gate.die();
        }
    }

    /// Waits until every wish is fulfilled and nothing happens any more; dead synchronizers are replaced.
    pub(crate) async fn rest(&mut self, bound: Duration) -> Result<(), String> {
        let began = Instant::now();
        let mut seen = None;
        let mut open = None;
        loop {
            self.revive();
            let commits = self.observer.commits();
            if seen != Some(commits) {
                open = self.unsettled().await;
                seen = Some(commits);
            }
            let busy = self.lives.iter().any(|life| life.gate.is_busy());
            if open.is_none() && !busy && self.funnel.quiet_for() >= QUIET {
                return Ok(());
            }
            if began.elapsed() > bound {
                let why = open.unwrap_or_else(|| "there is no end of effects".to_owned());
                return Err(format!("I2, I5: not at rest after {bound:?}: {why}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for life in &self.lives {
            life.cancellation.cancel();
        }
    }
}

fn cluster_key(name: &str) -> ClusterKey {
    ClusterKey {
        provider: ProviderName::parse("site").unwrap(),
        cluster: ClusterName::parse(name).unwrap(),
    }
}

/// Runs something in a time of its own.
pub(crate) fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}
