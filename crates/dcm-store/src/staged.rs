//! A store over another one: what is committed to it is gathered, seen by what reads through it, and
//! becomes one commit of the other store in the end.
//!
//! Whoever has several changes to make, each of them decided on what the earlier ones leave behind,
//! makes them here one after the other and then [`StagedStore::flush`]es them: all of them or nothing.
//!
//! Invariants: the other store is not written before the flush. A document of it is read once, and has
//! from then on the version that it had; the flush carries the strongest expectation that any of the
//! commits had of it, so that it fails when somebody else changed what was decided on. Version numbers
//! that are given out here mean nothing elsewhere; the flush tells the real ones. Who commits more
//! together with what was gathered does so with [`StagedStore::gathered`], which tells where they come from.

mod pending;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::Key;
use futures::stream::BoxStream;
use parking_lot::Mutex;

use crate::store::{
    Batch, Change, Committed, Error, Expect, Lease, Operation, Page, Query, Store, Stored,
};
use pending::Pending;

/// What was gathered, to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// What is to be done in the other store.
    pub batch: Batch,
    /// For each version number that was given out, the place of its document among the puts of the batch:
    /// by it the real number is known, as those of a batch follow one another. A document that is
    /// deleted again has none.
    pub places: HashMap<u64, usize>,
}

/// Commits that are gathered over another store.
pub struct StagedStore {
    base: Arc<dyn Store>,
    pending: Mutex<Pending>,
}

impl fmt::Debug for StagedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StagedStore")
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

impl StagedStore {
    /// Nothing gathered yet, over this store. The version numbers that are given out depend on the salt:
    /// when it is drawn at random, nobody can write a text that happens to name one of them.
    pub fn over(base: Arc<dyn Store>, salt: u64) -> Self {
        Self {
            base,
            pending: Mutex::new(Pending::new(salt)),
        }
    }

    /// How many commits were gathered.
    pub fn commits(&self) -> u64 {
        self.pending.lock().commits()
    }

    /// Whether the flush writes this document, and so gives it a version.
    pub fn writes(&self, key: &Key) -> bool {
        self.pending.lock().writes(key)
    }

    /// Everything that was gathered.
    pub fn gathered(&self) -> Gathered {
        self.pending.lock().gathered()
    }

    /// Commits everything that was gathered to the other store; nothing when nothing is written or
    /// deleted. To be called once, at the end.
    pub async fn flush(&self) -> Result<Committed, Error> {
        let batch = self.gathered().batch;
        let writes = |operation: &Operation| !matches!(operation, Operation::Assert { .. });
        if !batch.operations.iter().any(writes) {
            return Ok(Committed {
                written: Vec::new(),
            });
        }
        self.base.commit(batch).await
    }

    /// Whether every document that was read is still as it was read. For decisions that are not
    /// committed, such as refusals.
    pub async fn is_current(&self) -> Result<bool, Error> {
        let seen = self.pending.lock().seen_versions();
        for (key, version) in seen {
            let now = self.base.get(&key).await?.map(|found| found.version);
            if now != version {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads a document of the other store, the first time that it is asked for.
    async fn look(&self, key: &Key) -> Result<(), Error> {
        if self.pending.lock().knows(key) {
            return Ok(());
        }
        let found = self.base.get(key).await?;
        self.pending.lock().see(key, found);
        Ok(())
    }
}

#[async_trait]
impl Store for StagedStore {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        self.look(key).await?;
        Ok(self.pending.lock().get(key))
    }

    async fn list(&self, query: &Query) -> Result<Page, Error> {
        let hidden = self.pending.lock().written_count(query.kind);
        let wider = Query {
            limit: query.limit.saturating_add(hidden),
            ..query.clone()
        };
        let page = self.base.list(&wider).await?;
        Ok(self.pending.lock().merge(query, page))
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        batch.refuse_repeated_keys()?;
        for operation in &batch.operations {
            if operation.expect() != Expect::Anything {
                self.look(operation.key()).await?;
            }
        }
        self.pending.lock().stage(batch)
    }

    /// Those of the other store: what is gathered is not hinted.
    fn changes(&self) -> BoxStream<'static, Change> {
        self.base.changes()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        self.base.lease(name, holder, ttl).await
    }
}
