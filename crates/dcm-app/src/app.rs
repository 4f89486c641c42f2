//! The application: the parts that use cases work with, cheap to clone.

use std::fmt;
use std::sync::Arc;

use dcm_store::{Store, StoreExt as _, Vault, Versioned};
use dcm_types::ca::CaController;
use dcm_types::ports::{Clock, Nudge, Randomness, Synchronizer};
use dcm_types::{Document, Key, Timestamp, Uid, chain};

use crate::once::Register;
use crate::service_mesh::Renderings;
use crate::status::Hub;
use crate::{Error, Meshes, Policy};

/// What the application is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where documents are.
    pub store: Arc<dyn Store>,
    /// Seals secrets before the store sees them.
    pub vault: Arc<Vault>,
    /// Told when there is work.
    pub synchronizer: Arc<dyn Synchronizer>,
    /// The authorities of meshes.
    pub authorities: Arc<dyn CaController>,
    /// How meshes are made.
    pub meshes: Meshes,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for uids.
    pub randomness: Arc<dyn Randomness>,
    /// What the operator decided.
    pub policy: Policy,
}

/// The use cases; see the modules for each noun.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
    hub: Arc<Hub>,
    register: Arc<Register>,
    renderings: Arc<Renderings>,
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").finish_non_exhaustive()
    }
}

impl App {
    /// Puts it together.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            hub: Arc::default(),
            register: Arc::default(),
            renderings: Arc::default(),
        }
    }

    /// The same application with another store and another synchronizer.
    pub(crate) fn with(&self, store: Arc<dyn Store>, synchronizer: Arc<dyn Synchronizer>) -> Self {
        Self {
            parts: Arc::new(Parts {
                store,
                synchronizer,
                ..Parts::clone(&self.parts)
            }),
            ..self.clone()
        }
    }

    /// Which requests with a key are running, and how many answers are kept.
    pub(crate) fn register(&self) -> &Arc<Register> {
        &self.register
    }

    /// Who follows which status.
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    /// The store and the synchronizer, to stand before them.
    pub(crate) fn behind(&self) -> (Arc<dyn Store>, Arc<dyn Synchronizer>) {
        let parts = &self.parts;
        (parts.store.clone(), parts.synchronizer.clone())
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.parts.vault
    }

    pub(crate) fn synchronizer(&self) -> &dyn Synchronizer {
        self.parts.synchronizer.as_ref()
    }

    pub(crate) fn authorities(&self) -> &dyn CaController {
        self.parts.authorities.as_ref()
    }

    pub(crate) fn meshes(&self) -> &Meshes {
        &self.parts.meshes
    }

    /// What is remembered of the renderer of control planes.
    pub(crate) fn renderings(&self) -> &Renderings {
        &self.renderings
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.parts.policy
    }

    /// The time, as use cases see it.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn new_uid(&self) -> Uid {
        self.parts.randomness.uid()
    }

    pub(crate) fn random(&self, buffer: &mut [u8]) {
        self.parts.randomness.fill(buffer);
    }

    /// Reads a document that may be missing.
    pub(crate) async fn find<D: Document>(&self, key: &Key) -> Result<Option<Versioned<D>>, Error> {
        Ok(self.store().read(key).await?)
    }

    /// Tells the synchronizer, if it can be told: its scan finds the work without.
    pub(crate) async fn nudge(&self, nudge: Nudge) {
        if let Err(error) = self.synchronizer().nudge(nudge.clone()).await {
            tracing::warn!(
                ?nudge,
                error = chain(&error),
                "nudge failed, the scan will find it"
            );
        }
    }
}
