//! What every run needs: store, vault, clock, randomness, settings, and somebody to tell.

use std::collections::HashSet;
use std::sync::Arc;

use dcm_store::{Store, Vault};
use dcm_types::ClusterKey;
use dcm_types::ports::{Clock, Randomness, StatusChange};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::config::Config;
use crate::drift::fight::Fights;
use crate::member::registry::Registry;
use crate::mesh::Authorities;
use crate::mesh::evidence::Told;
use crate::mesh::manifests::Manifests;
use crate::removal::going::Going;
use crate::removal::looks::EmptyLooks;
use crate::revisions::Revisions;
use crate::subject::Subject;

/// The effects of the synchronizer, and its settings.
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) registry: Registry,
    pub(crate) config: Config,
    pub(crate) changes: broadcast::Sender<StatusChange>,
    /// Revisions as last decoded.
    pub(crate) revisions: Revisions,
    /// Slices of which nothing is left, as this process saw it.
    pub(crate) empty_looks: EmptyLooks,
    /// Namespaces that are all that a removal waits for.
    pub(crate) going: Going,
    /// Where others change back what is corrected.
    pub(crate) fights: Fights,
    /// Who gives out the bundles of meshes, if anybody does.
    pub(crate) authorities: Option<Authorities>,
    /// Manifests of meshes as last parsed.
    pub(crate) manifests: Manifests,
    /// Meshes of which something went, and nothing more was seen of it.
    pub(crate) mesh_looks: EmptyLooks,
    /// What the CA controller was told of bundles in members.
    pub(crate) told: Told,
    /// Clusters that were asked to be checked since the start.
    pub(crate) probed: Mutex<HashSet<ClusterKey>>,
}

impl Context {
    /// Tells whoever waits that the status of a target changed. Nobody follows what is left of a cloud
    /// that is gone.
    pub(crate) fn tell(&self, subject: &Subject, applied_generation: Option<u64>) {
        let Subject::Target(target) = subject else {
            return;
        };
        // Without anybody waiting there is nobody to tell.
        drop(self.changes.send(StatusChange {
            target: target.clone(),
            applied_generation,
        }));
    }

    /// Whether a cluster was not yet asked to be checked since the start; says so once.
    pub(crate) fn needs_first_probe(&self, cluster: &ClusterKey) -> bool {
        self.probed.lock().insert(cluster.clone())
    }
}
