//! The controller: the parts that it works with, cheap to clone.

use std::fmt;
use std::sync::Arc;

use dcm_pki::authority::Certificate;
use dcm_store::{Store, StoreExt as _, Vault, Versioned};
use dcm_types::ca::{CaChange, Requester};
use dcm_types::documents::LogicalCloud;
use dcm_types::documents::ca::{CaAuthority, CaEdge};
use dcm_types::ports::{Clock, Randomness};
use dcm_types::{CloudKey, Key, Kind, TargetKey, Timestamp, Uid};
use tokio::sync::{Mutex, broadcast};

use crate::backend::SigningBackend;
use crate::keys::KeyPool;
use crate::late::{Late, Metrics};
use crate::{Error, Policy};

/// Hints that a slow reader may be behind.
const HINTS: usize = 1024;

/// What the controller is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where documents are.
    pub store: Arc<dyn Store>,
    /// Seals keys before the store sees them.
    pub vault: Arc<Vault>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for uids and numbers.
    pub randomness: Arc<dyn Randomness>,
    /// What the operator decided.
    pub policy: Policy,
}

/// Who signs the anchors of clouds, when it is not a key of ours.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) backend: Arc<dyn SigningBackend>,
    /// What every answer must lead to.
    pub(crate) anchor: Certificate,
}

/// The CA controller; see the modules for what it does.
#[derive(Clone)]
pub struct Controller {
    pub(crate) parts: Arc<Parts>,
    pub(crate) pool: Arc<KeyPool>,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) metrics: Metrics,
    pub(crate) late: Arc<Late>,
    /// Held while it is decided whether an edge gets another intermediate, and that is stored.
    pub(crate) turn: Arc<Mutex<()>>,
    changes: broadcast::Sender<CaChange>,
}

impl fmt::Debug for Controller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Controller").finish_non_exhaustive()
    }
}

impl Controller {
    /// Puts it together.
    pub fn new(parts: Parts) -> Self {
        let pool = KeyPool::new(parts.policy.slow_keys, parts.policy.slow_keys_waiting);
        Self {
            parts: Arc::new(parts),
            pool: Arc::new(pool),
            issuer: None,
            metrics: Metrics::default(),
            late: Arc::default(),
            turn: Arc::default(),
            changes: broadcast::channel(HINTS).0,
        }
    }

    /// With somebody who signs the anchors of clouds; `anchor` is the certificate that every answer must lead to.
    #[must_use]
    pub fn with_issuer(mut self, backend: Arc<dyn SigningBackend>, anchor: Certificate) -> Self {
        self.issuer = Some(Issuer { backend, anchor });
        self
    }

    /// With counts that somebody shows.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.parts.vault
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.parts.policy
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn uid(&self) -> Uid {
        self.parts.randomness.uid()
    }

    pub(crate) fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.parts.randomness.fill(&mut bytes);
        bytes
    }

    /// Tells whoever watches. Nobody has to hear it.
    pub(crate) fn tell(&self, change: CaChange) {
        self.changes.send(change).ok();
    }

    pub(crate) fn hints(&self) -> broadcast::Receiver<CaChange> {
        self.changes.subscribe()
    }

    pub(crate) async fn cloud(&self, cloud: &CloudKey) -> Result<Versioned<LogicalCloud>, Error> {
        let found = self.store().read(&Key::cloud(cloud)).await?;
        found.ok_or_else(|| {
            let message = format!(
                "logical cloud '{}' of project '{}' does not exist",
                cloud.cloud, cloud.project
            );
            Error::refused(Kind::NotFound, message, "create it first")
        })
    }

    /// The authority of a cloud that has one.
    pub(crate) async fn authority_of(
        &self,
        cloud: &CloudKey,
    ) -> Result<Versioned<CaAuthority>, Error> {
        let uid = self.cloud(cloud).await?.document.uid;
        let found = self.store().read(&Key::ca_authority(uid)).await?;
        found.ok_or_else(|| Error::missing(&format!("the authority of logical cloud '{cloud}'")))
    }

    /// All edges of a cloud, by cluster.
    pub(crate) async fn edges_of(&self, cloud: Uid) -> Result<Vec<Versioned<CaEdge>>, Error> {
        let scope = dcm_store::Scope::Under(cloud.to_string());
        Ok(self.store().read_all(scope).await?)
    }

    pub(crate) async fn edge(
        &self,
        cloud: Uid,
        target: &TargetKey,
    ) -> Result<Option<Versioned<CaEdge>>, Error> {
        Ok(self
            .store()
            .read(&Key::ca_edge(cloud, &target.cluster))
            .await?)
    }
}

/// What the controller does by itself is done in its name.
pub(crate) fn itself() -> Requester {
    Requester {
        principal: "ca".to_owned(),
        origin: String::new(),
        request: String::new(),
    }
}
