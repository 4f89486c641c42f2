//! The in-memory backend: first-class, for tests and for runs that may forget.
//!
//! Invariants: one lock, held for the time of one call and never across an await; every read sees
//! either all of a batch or nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::ports::Clock;
use dcm_types::{DocumentKind, Index, Key};
use futures::stream::BoxStream;
use parking_lot::Mutex;

use crate::hints::Hints;
use crate::leases::{self, Held};
use crate::store::{
    Batch, Change, Committed, Error, Lease, Operation, Page, Query, Scope, Store, Stored, Version,
};

/// A store in memory.
pub struct MemoryStore {
    state: Mutex<State>,
    hints: Hints,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store; leases go by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            hints: Hints::new(),
            clock,
        }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemoryStore")
            .field("documents", &self.state.lock().rows.len())
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    rows: BTreeMap<Key, Row>,
    entries: BTreeSet<Entry>,
    leases: BTreeMap<String, Held>,
    /// The last version number given out.
    number: u64,
}

struct Row {
    version: Version,
    schema: u32,
    body: String,
    indexes: Vec<(Index, String)>,
}

/// One index value of one document, in the order in which lists need them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    kind: DocumentKind,
    index: Index,
    value: String,
    path: String,
}

impl Entry {
    fn of((index, value): &(Index, String), key: &Key) -> Self {
        Self {
            kind: key.kind(),
            index: *index,
            value: value.clone(),
            path: key.path().to_owned(),
        }
    }
}

impl State {
    fn stored(&self, key: &Key) -> Option<Stored> {
        self.rows.get(key).map(|row| row.stored(key))
    }

    fn list(&self, query: &Query) -> Vec<Stored> {
        let after = query.after.as_deref().unwrap_or_default();
        let wanted = query.limit.saturating_add(1);
        match &query.scope {
            Scope::All => self.between(query.kind, after, None, wanted),
            Scope::Under(path) => {
                let (from, to) = Scope::bounds_under(path);
                self.between(query.kind, after.max(from.as_str()), Some(&to), wanted)
            }
            Scope::Indexed(index, value) => self.indexed(query.kind, *index, value, after, wanted),
        }
    }

    fn between(
        &self,
        kind: DocumentKind,
        after: &str,
        before: Option<&str>,
        wanted: usize,
    ) -> Vec<Stored> {
        let from = Key::from_stored(kind, after.to_owned());
        if before.is_some_and(|before| before <= after) {
            return Vec::new();
        }
        self.rows
            .range((Bound::Excluded(from), Bound::Unbounded))
            .take_while(|(key, _)| {
                key.kind() == kind && before.is_none_or(|before| key.path() < before)
            })
            .take(wanted)
            .map(|(key, row)| row.stored(key))
            .collect()
    }

    fn indexed(
        &self,
        kind: DocumentKind,
        index: Index,
        value: &str,
        after: &str,
        wanted: usize,
    ) -> Vec<Stored> {
        let from = Entry {
            kind,
            index,
            value: value.to_owned(),
            path: after.to_owned(),
        };
        self.entries
            .range((Bound::Excluded(from), Bound::Unbounded))
            .take_while(|e| e.kind == kind && e.index == index && e.value == value)
            .take(wanted)
            .filter_map(|entry| self.stored(&Key::from_stored(kind, entry.path.clone())))
            .collect()
    }

    fn check(&self, batch: &Batch) -> Result<(), Error> {
        for operation in &batch.operations {
            let key = operation.key();
            let found = self.rows.get(key).map(|row| row.version);
            if !operation.expect().holds(found) {
                return Err(Error::Precondition {
                    key: key.clone(),
                    found,
                });
            }
        }
        Ok(())
    }

    /// Applies one operation whose precondition holds; answers the version number of a put, and the
    /// key when the document changed.
    fn apply(&mut self, operation: Operation) -> (Option<(Key, u64)>, Option<Key>) {
        match operation {
            Operation::Put {
                key,
                schema,
                body,
                indexes,
                ..
            } => {
                self.remove(&key);
                self.number += 1;
                let version = Version {
                    number: self.number,
                    touched: 0,
                };
                self.entries
                    .extend(indexes.iter().map(|value| Entry::of(value, &key)));
                self.rows.insert(
                    key.clone(),
                    Row {
                        version,
                        schema,
                        body,
                        indexes,
                    },
                );
                (Some((key.clone(), version.number)), Some(key))
            }
            Operation::Delete { key, .. } => (None, self.remove(&key).then_some(key)),
            Operation::Assert { key, .. } => {
                if let Some(row) = self.rows.get_mut(&key) {
                    row.version.touched += 1;
                }
                (None, None)
            }
        }
    }

    /// Removes a document and its index values; says whether it was there.
    fn remove(&mut self, key: &Key) -> bool {
        let Some(row) = self.rows.remove(key) else {
            return false;
        };
        for value in &row.indexes {
            self.entries.remove(&Entry::of(value, key));
        }
        true
    }
}

impl Row {
    fn stored(&self, key: &Key) -> Stored {
        Stored {
            key: key.clone(),
            version: self.version,
            schema: self.schema,
            body: self.body.clone(),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        Ok(self.state.lock().stored(key))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        let state = self.state.lock();
        Ok(keys.iter().map(|key| state.stored(key)).collect())
    }

    async fn list(&self, query: &Query) -> Result<Page, Error> {
        Ok(Page::cut(self.state.lock().list(query), query.limit))
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        batch.refuse_repeated_keys()?;
        let mut state = self.state.lock();
        state.check(&batch)?;
        let (written, changed): (Vec<_>, Vec<_>) = batch
            .operations
            .into_iter()
            .map(|operation| state.apply(operation))
            .unzip();
        // Still under the lock, so that hints come in the order of the commits.
        self.hints.send(changed.into_iter().flatten());
        Ok(Committed {
            written: written.into_iter().flatten().collect(),
        })
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.hints.subscribe()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        let mut state = self.state.lock();
        let held = leases::decide(state.leases.get(name), holder, self.clock.now(), ttl);
        Ok(held.map(|held| {
            let lease = held.granted(ttl);
            state.leases.insert(name.to_owned(), held);
            lease
        }))
    }
}
