//! The synchronizer as a whole: two drivers (targets and clusters), the scan, and its handle.

use std::sync::Arc;

use async_trait::async_trait;
use dcm_store::{Error as StoreError, Scope, Store, StoreExt, Vault};
use dcm_types::documents::{Cluster, Lifecycle, Reservation, Revision, Target};
use dcm_types::ports::{Clock, Nudge, PortError, Randomness, StatusChange, Synchronizer};
use dcm_types::{CloudKey, ClusterKey, Index, Key, Kind, TargetKey};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::context::Context;
use crate::driver::{self, Bounds, Priority, Queue};
use crate::health::Probe;
use crate::member::Outlets;
use crate::member::registry::Registry;
use crate::metrics::Metrics;
use crate::reconcile::Reconcile;
use crate::removal::going::Going;
use crate::removal::looks::EmptyLooks;
use crate::usage::Recorder;
use dcm_cluster::Connector;

/// What the synchronizer is made of.
pub struct Parts {
    /// The documents.
    pub store: Arc<dyn Store>,
    /// Seals and opens secrets.
    pub vault: Arc<Vault>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Uids and names.
    pub randomness: Arc<dyn Randomness>,
    /// Reaches members.
    pub connector: Arc<dyn Connector>,
    /// Counts and times.
    pub metrics: Metrics,
    /// Settings.
    pub config: Config,
}

/// The way in; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    context: Arc<Context>,
    targets: Queue<TargetKey>,
    clusters: Queue<ClusterKey>,
    stopped: CancellationToken,
}

/// Status hints kept for a slow reader.
const CHANGES_BACKLOG: usize = 1024;
/// Checks of clusters at the same time.
const PROBES: usize = 16;

/// Starts the synchronizer; it ends with the token.
pub fn start(parts: Parts, cancellation: CancellationToken) -> Handle {
    let (asks, mut asked) = mpsc::unbounded_channel::<TargetKey>();
    let (usages, used) = mpsc::unbounded_channel();
    let registry = Registry::new(
        Arc::clone(&parts.store),
        Arc::clone(&parts.vault),
        parts.connector,
        parts.config.clone(),
        Outlets {
            nudges: asks,
            usages,
            randomness: Arc::clone(&parts.randomness),
        },
        cancellation.clone(),
    );
    let config = parts.config;
    let context = Arc::new(Context {
        store: parts.store,
        vault: parts.vault,
        clock: parts.clock,
        randomness: parts.randomness,
        registry,
        changes: broadcast::channel(CHANGES_BACKLOG).0,
        config: config.clone(),
        empty_looks: EmptyLooks::default(),
        going: Going::default(),
        probed: parking_lot::Mutex::default(),
    });
    let bounds = Bounds {
        total: config.runs_total.max(1),
        per_group: config.runs_per_cluster.max(1),
        backoff_first: config.backoff_first.get(),
        backoff_cap: config.backoff_cap.get(),
    };
    let reconcile = Arc::new(Reconcile {
        context: Arc::clone(&context),
        metrics: parts.metrics,
    });
    let (targets, targets_done) = driver::start(reconcile, bounds, cancellation.clone());
    let probe = Arc::new(Probe {
        context: Arc::clone(&context),
        targets: targets.clone(),
    });
    let probe_bounds = Bounds {
        total: PROBES,
        per_group: 1,
        ..bounds
    };
    let (clusters, clusters_done) = driver::start(probe, probe_bounds, cancellation.clone());
    let handle = Handle {
        context,
        targets,
        clusters,
        stopped: CancellationToken::new(),
    };
    let background = handle.clone();
    tokio::spawn(async move {
        let scans = background.scan_until(&cancellation);
        let forward = async {
            while let Some(key) = asked.recv().await {
                background.targets.nudge(key, Priority::Foreground);
            }
        };
        let usage = Recorder::new(&background.context).run(used, &cancellation);
        tokio::select! {
            biased;
            () = scans => {}
            () = forward => {}
            () = usage => {}
        }
        // A driver that ended abnormally was logged; there is nothing left to wait for.
        drop(tokio::join!(targets_done, clusters_done));
        background.stopped.cancel();
    });
    handle
}

impl Handle {
    /// Ends when all work has ended, after the token was cancelled.
    pub async fn stopped(&self) {
        self.stopped.cancelled().await;
    }

    /// Looks at everything, at start and then again and again: the same work whether or not anything
    /// changed. Nudges only shorten the wait.
    async fn scan_until(&self, cancellation: &CancellationToken) {
        let interval = self.context.config.scan_interval.get();
        loop {
            if let Err(error) = self.scan().await {
                tracing::warn!(error = dcm_types::chain(&error), "scan failed");
            }
            // From 0.9 to 1.1.
            let jitter = 0.7 + 0.4 * self.context.randomness.jitter();
            tokio::select! {
                biased;
                () = cancellation.cancelled() => return,
                () = tokio::time::sleep(interval.mul_f64(jitter)) => {}
            }
        }
    }

    async fn scan(&self) -> Result<(), StoreError> {
        let store = self.context.store.as_ref();
        for target in store.read_all::<Target>(Scope::All).await? {
            self.targets
                .nudge(target.document.key, Priority::Housekeeping);
        }
        for lifecycle in store.read_all::<Lifecycle>(Scope::All).await? {
            self.nudge_members(&lifecycle.document, Priority::Housekeeping)
                .await?;
        }
        self.nudge_reserved(Scope::All, Priority::Housekeeping)
            .await?;
        for cluster in store.read_all::<Cluster>(Scope::All).await? {
            let key = cluster.document.key;
            let health = Key::of_cluster(dcm_types::DocumentKind::ClusterHealth, &key);
            // Known clusters are checked by the timer of their driver; after a start it has none yet.
            if self.context.needs_first_probe(&key) || store.get(&health).await?.is_none() {
                self.clusters.nudge(key, Priority::Housekeeping);
            }
        }
        Ok(())
    }

    async fn nudge_members(
        &self,
        lifecycle: &Lifecycle,
        priority: Priority,
    ) -> Result<(), StoreError> {
        let key = Key::revision(lifecycle.cloud_uid, lifecycle.generation);
        let Some(revision) = self.context.store.read::<Revision>(&key).await? else {
            return Ok(());
        };
        let revision = revision.document;
        let members = revision.members.iter().map(|member| &member.cluster);
        for cluster in members.filter(|cluster| revision.has_member(cluster)) {
            let key = TargetKey {
                cloud: revision.cloud.clone(),
                cluster: cluster.clone(),
            };
            self.targets.nudge(key, priority);
        }
        Ok(())
    }

    /// Members for which a namespace is held: also those that a wish named which was overtaken before
    /// its first run.
    async fn nudge_reserved(&self, scope: Scope, priority: Priority) -> Result<(), StoreError> {
        let store = self.context.store.as_ref();
        for held in store.read_all::<Reservation>(scope).await? {
            let key = TargetKey {
                cloud: held.document.cloud,
                cluster: held.document.cluster,
            };
            self.targets.nudge(key, priority);
        }
        Ok(())
    }

    async fn nudge_cloud(&self, cloud: &CloudKey) -> Result<(), StoreError> {
        let store = self.context.store.as_ref();
        let key = Key::of_cloud(dcm_types::DocumentKind::Lifecycle, cloud);
        if let Some(lifecycle) = store.read::<Lifecycle>(&key).await? {
            self.nudge_members(&lifecycle.document, Priority::Foreground)
                .await?;
            let uid = lifecycle.document.cloud_uid.to_string();
            self.nudge_reserved(Scope::Indexed(Index::Cloud, uid), Priority::Foreground)
                .await?;
        }
        for target in store.read_all::<Target>(Scope::Under(cloud.path())).await? {
            self.targets
                .nudge(target.document.key, Priority::Foreground);
        }
        Ok(())
    }
}

#[async_trait]
impl Synchronizer for Handle {
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError> {
        match nudge {
            Nudge::Cluster(cluster) => {
                self.clusters.nudge(cluster, Priority::Foreground);
                Ok(())
            }
            Nudge::Cloud(cloud) => self.nudge_cloud(&cloud).await.map_err(|error| PortError {
                kind: if error.retryable() {
                    Kind::Unavailable
                } else {
                    Kind::Internal
                },
                message: "the synchronizer cannot read its documents".to_owned(),
            }),
        }
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        let changes = BroadcastStream::new(self.context.changes.subscribe());
        // A reader that lagged reads the store again anyway: the next hint does for the lost ones.
        changes
            .filter_map(|change| async move { change.ok() })
            .boxed()
    }
}
