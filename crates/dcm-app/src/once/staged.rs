//! A store that keeps what would be committed, and a synchronizer that is told later.
//!
//! A staged batch is checked as a commit checks it, so a use case is refused here for what it would be
//! refused for there, and tells it in its own words. Only a race between this and the commit proper is left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::{
    Batch, Change, Committed, Error, Lease, Operation, Page, Query, Store, Stored, Version,
};
use dcm_types::Key;
use dcm_types::ports::{Nudge, PortError, StatusChange, Synchronizer};
use futures::stream::BoxStream;
use parking_lot::Mutex;

/// Numbers from here on are no versions but places among the puts of a batch. No store counts so far.
const PLACES: u64 = 1 << 63;

/// The place among the puts of its batch, when a version is not known before the commit.
pub(super) fn place_of(version: u64) -> Option<u64> {
    version.checked_sub(PLACES)
}

/// A store on which nothing is written.
pub(super) struct StagedStore {
    behind: Arc<dyn Store>,
    batch: Mutex<Option<Batch>>,
}

impl StagedStore {
    pub(super) fn new(behind: Arc<dyn Store>) -> Self {
        Self {
            behind,
            batch: Mutex::default(),
        }
    }

    /// What was staged; nothing, when the use case found nothing to change.
    pub(super) fn take(&self) -> Batch {
        self.batch.lock().take().unwrap_or_default()
    }

    /// What the staged batch says of a document.
    fn staged(&self, key: &Key) -> Staged {
        let staged = self.batch.lock();
        let operations = staged.iter().flat_map(|batch| &batch.operations);
        let mut place = PLACES;
        for operation in operations {
            let named = operation.key() == key;
            match operation {
                Operation::Put { schema, body, .. } if named => {
                    let version = Version {
                        number: place,
                        touched: 0,
                    };
                    return Staged::Written(Stored {
                        key: key.clone(),
                        version,
                        schema: *schema,
                        body: body.clone(),
                    });
                }
                Operation::Put { .. } => place += 1,
                Operation::Delete { .. } if named => return Staged::Deleted,
                Operation::Delete { .. } | Operation::Assert { .. } => {}
            }
        }
        Staged::Unchanged
    }
}

/// What becomes of a document.
enum Staged {
    Written(Stored),
    Deleted,
    Unchanged,
}

#[async_trait]
impl Store for StagedStore {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        match self.staged(key) {
            Staged::Written(stored) => Ok(Some(stored)),
            Staged::Deleted => Ok(None),
            Staged::Unchanged => self.behind.get(key).await,
        }
    }

    /// Without what is staged: a use case decides on lists before it commits.
    async fn list(&self, query: &Query) -> Result<Page, Error> {
        self.behind.list(query).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        for operation in &batch.operations {
            let key = operation.key();
            let found = self.behind.get(key).await?.map(|found| found.version);
            if !operation.expect().holds(found) {
                let key = key.clone();
                return Err(Error::Precondition { key, found });
            }
        }
        let mut staged = self.batch.lock();
        if staged.is_some() {
            return Err(Error::Backend {
                doing: "commit twice for one request",
                source: "a request is one commit".into(),
            });
        }
        let puts = batch
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Put { key, .. } => Some(key.clone()),
                Operation::Delete { .. } | Operation::Assert { .. } => None,
            });
        let written = puts.zip(PLACES..).collect();
        *staged = Some(batch);
        Ok(Committed { written })
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.behind.changes()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        self.behind.lease(name, holder, ttl).await
    }
}

/// Nudges that wait for the commit: one that came before it would find no work.
pub(super) struct HeldNudges {
    behind: Arc<dyn Synchronizer>,
    held: Mutex<Vec<Nudge>>,
}

impl HeldNudges {
    pub(super) fn new(behind: Arc<dyn Synchronizer>) -> Self {
        Self {
            behind,
            held: Mutex::default(),
        }
    }

    pub(super) fn take(&self) -> Vec<Nudge> {
        std::mem::take(&mut *self.held.lock())
    }
}

#[async_trait]
impl Synchronizer for HeldNudges {
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError> {
        self.held.lock().push(nudge);
        Ok(())
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        self.behind.status_changes()
    }
}
