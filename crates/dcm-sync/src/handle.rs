//! The synchronizer as a whole: two drivers (targets and clusters), the scan, and its handle.

use std::sync::Arc;

use async_trait::async_trait;
use dcm_store::{Error as StoreError, Scope, Store, StoreExt, Vault};
use dcm_types::documents::Cluster;
use dcm_types::ports::{Clock, Nudge, PortError, Randomness, StatusChange, Synchronizer};
use dcm_types::report::SyncReport;
use dcm_types::{ClusterKey, DocumentKind, Key, Kind};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;

use crate::agenda::Agenda;
use crate::config::Config;
use crate::context::Context;
use crate::drift::fight::Fights;
use crate::driver::{self, Bounds, Priority, Queue};
use crate::health::Probe;
use crate::member::Outlets;
use crate::member::gate::Gates;
use crate::member::registry::Registry;
use crate::mesh::Authorities;
use crate::mesh::evidence::Told;
use crate::mesh::manifests::Manifests;
use crate::metrics::Metrics;
use crate::reconcile::Reconcile;
use crate::removal::going::Going;
use crate::removal::looks::EmptyLooks;
use crate::reports::Reports;
use crate::revisions::Revisions;
use crate::subject::Subject;
use crate::usage::{Recorder, UsageNote};
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
    /// Who gives out the bundles of meshes. Without, a mesh that is wished is told to be blocked.
    pub authorities: Option<Authorities>,
    /// Settings.
    pub config: Config,
}

/// The way in; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    context: Arc<Context>,
    agenda: Agenda,
    reports: Arc<Reports>,
    clusters: Queue<ClusterKey>,
    stopped: CancellationToken,
}

/// Status hints kept for a slow reader.
const CHANGES_BACKLOG: usize = 1024;
/// Checks of clusters at the same time.
const PROBES: usize = 64;

/// Starts the synchronizer; it ends with the token.
pub fn start(parts: Parts, cancellation: CancellationToken) -> Handle {
    let (asks, asked) = mpsc::unbounded_channel();
    let (usages, used) = mpsc::unbounded_channel();
    let (reopened, opened) = mpsc::unbounded_channel();
    let (probes, due) = mpsc::unbounded_channel();
    let gates = gates(&parts, probes);
    let outlets = Outlets {
        nudges: asks,
        usages,
        reopened,
        randomness: Arc::clone(&parts.randomness),
    };
    let registry = Registry::new(
        Arc::clone(&parts.store),
        Arc::clone(&parts.vault),
        parts.connector,
        parts.config.clone(),
        (outlets, gates),
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
        revisions: Revisions::default(),
        empty_looks: EmptyLooks::default(),
        going: Going::default(),
        fights: Fights::default(),
        authorities: parts.authorities,
        manifests: Manifests::default(),
        mesh_looks: EmptyLooks::default(),
        told: Told::default(),
        probed: parking_lot::Mutex::default(),
    });
    let bounds = bounds_of(&config);
    let reports = Arc::<Reports>::default();
    let reconcile = Arc::new(Reconcile {
        context: Arc::clone(&context),
        metrics: parts.metrics,
        reports: Arc::clone(&reports),
    });
    let (targets, targets_done) = driver::start(reconcile, bounds, cancellation.clone());
    let agenda = Agenda {
        store: Arc::clone(&context.store),
        queue: targets,
    };
    let probe = Arc::new(Probe {
        context: Arc::clone(&context),
        agenda: agenda.clone(),
    });
    let probe_bounds = Bounds {
        total: PROBES,
        per_group: 1,
        ..bounds
    };
    let (clusters, clusters_done) = driver::start(probe, probe_bounds, cancellation.clone());
    let handle = Handle {
        context,
        agenda,
        reports,
        clusters,
        stopped: CancellationToken::new(),
    };
    let background = handle.clone();
    let wishes = Wishes {
        runs: asked,
        probes: due,
        revisits: opened,
        usages: used,
    };
    tokio::spawn(async move {
        background.listen(wishes, &cancellation).await;
        // A driver that ended abnormally was logged; there is nothing left to wait for.
        drop(tokio::join!(targets_done, clusters_done));
        background.stopped.cancel();
    });
    handle
}

fn gates(parts: &Parts, probes: mpsc::UnboundedSender<ClusterKey>) -> Arc<Gates> {
    Arc::new(Gates::new(
        &parts.config,
        Arc::clone(&parts.clock),
        Arc::clone(&parts.randomness),
        parts.metrics.clone(),
        probes,
    ))
}

fn bounds_of(config: &Config) -> Bounds {
    Bounds {
        total: config.runs_total.max(1),
        per_group: config.runs_per_cluster.max(1),
        backoff_first: config.backoff_first.get(),
        backoff_cap: config.backoff_cap.get(),
    }
}

/// What sessions and gates ask for.
struct Wishes {
    runs: mpsc::UnboundedReceiver<Subject>,
    probes: mpsc::UnboundedReceiver<ClusterKey>,
    revisits: mpsc::UnboundedReceiver<ClusterKey>,
    usages: mpsc::UnboundedReceiver<UsageNote>,
}

impl Handle {
    /// Hands on what is asked for, beside the scans, until the end.
    async fn listen(&self, mut wishes: Wishes, cancellation: &CancellationToken) {
        let runs = async {
            while let Some(key) = wishes.runs.recv().await {
                self.agenda.queue.nudge(key, Priority::Foreground);
            }
        };
        let probes = async {
            while let Some(key) = wishes.probes.recv().await {
                self.clusters.nudge(key, Priority::Foreground);
            }
        };
        let revisits = async {
            while let Some(key) = wishes.revisits.recv().await {
                if let Err(error) = self.agenda.of_cluster(&key).await {
                    tracing::warn!(cluster = %key, error = dcm_types::chain(&error), "cannot find what is in a cluster; the next probe or start does");
                }
            }
        };
        let usage = Recorder::new(&self.context).run(wishes.usages, cancellation);
        tokio::select! {
            biased;
            () = self.scan_until(cancellation) => {}
            () = runs => {}
            () = probes => {}
            () = revisits => {}
            () = usage => {}
        }
    }

    /// Ends when all work has ended, after the token was cancelled.
    pub async fn stopped(&self) {
        self.stopped.cancelled().await;
    }

    /// Looks at every document, at start and then again and again. Nudges only shorten the wait.
    async fn scan_until(&self, cancellation: &CancellationToken) {
        let interval = self.context.config.scan_interval.get();
        let mut first = true;
        loop {
            match self.scan(first).await {
                Ok(()) => first = false,
                Err(error) => {
                    tracing::warn!(error = dcm_types::chain(&error), "scan failed");
                }
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

    async fn scan(&self, first: bool) -> Result<(), StoreError> {
        let store = self.context.store.as_ref();
        let now = (!first).then(|| self.context.clock.now());
        self.agenda.scan(now).await?;
        for cluster in store.read_all::<Cluster>(Scope::All).await? {
            let key = cluster.document.key;
            let health = Key::of_cluster(DocumentKind::ClusterHealth, &key);
            // Known clusters are checked by the timer of their driver; after a start it has none yet.
            if self.context.needs_first_probe(&key) || store.get(&health).await?.is_none() {
                self.clusters.nudge(key, Priority::Housekeeping);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Synchronizer for Handle {
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError> {
        match nudge {
            Nudge::Cluster(cluster) => {
                self.context.registry.gates.hurry(&cluster);
                self.clusters.nudge(cluster, Priority::Foreground);
                Ok(())
            }
            Nudge::Cloud(cloud) => self.agenda.of_cloud(&cloud).await.map_err(|error| {
                let kind = if error.retryable() {
                    Kind::Unavailable
                } else {
                    Kind::Internal
                };
                PortError::new(kind, "the synchronizer cannot read its documents")
            }),
        }
    }

    async fn report(&self) -> Result<SyncReport, PortError> {
        let queues = futures::future::join(self.agenda.queue.report(), self.clusters.report());
        let (runs, checks) = queues.await;
        let (subjects, forgotten) = self.reports.tell();
        Ok(SyncReport {
            at: self.context.clock.now(),
            runs: runs.unwrap_or_default(),
            checks: checks.unwrap_or_default(),
            waiting: self.context.registry.gates.report(),
            subjects,
            forgotten,
        })
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        let changes = BroadcastStream::new(self.context.changes.subscribe());
        // A reader that lagged reads the store again anyway: the next hint does for the lost ones.
        changes
            .filter_map(|change| async move { change.ok() })
            .boxed()
    }
}
