//! Connections that only read. A read starts a snapshot of its own, so it sees every commit that was
//! acknowledged before it began, and never half of one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcm_types::Key;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, ToSql, params};
use tokio::sync::Semaphore;

use super::{fault, open};
use crate::store::{Error, Page, Query, Scope, Stored, Version};

/// Connections for single rows: as many as threads can usefully ask at once.
const GETTERS: usize = 2;

/// Connections for lists, which run on threads that may block.
const LISTERS: usize = 2;

/// A page of so many is read where it is asked for, as single rows are: microseconds.
const SHORT_PAGE: usize = 16;

/// The reading side of the store.
pub(super) struct Readers {
    getters: Vec<Mutex<Connection>>,
    turn: AtomicUsize,
    listers: Arc<Mutex<Vec<Connection>>>,
    /// One permit for each connection in `listers`.
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let connect = |_| open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        Ok(Self {
            getters: (0..GETTERS)
                .map(connect)
                .map(|opened| opened.map(Mutex::new))
                .collect::<Result<_, _>>()?,
            turn: AtomicUsize::new(0),
            listers: Arc::new(Mutex::new(
                (0..LISTERS).map(connect).collect::<Result<_, _>>()?,
            )),
            free: Arc::new(Semaphore::new(LISTERS)),
        })
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        read(&self.getter(), key).map_err(|source| fault("read a document", source))
    }

    /// In one snapshot, which also costs less than one for each.
    pub(super) fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        let connection = self.getter();
        let found = connection.unchecked_transaction().and_then(|snapshot| {
            let found = keys.iter().map(|key| read(&snapshot, key));
            found.collect::<rusqlite::Result<_>>()
        });
        found.map_err(|source| fault("read documents", source))
    }

    fn getter(&self) -> MutexGuard<'_, Connection> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.getters.len();
        let free = self.getters.iter().find_map(Mutex::try_lock);
        free.unwrap_or_else(|| self.getters[turn].lock())
    }

    pub(super) async fn list(&self, query: Query) -> Result<Page, Error> {
        if query.limit <= SHORT_PAGE {
            return list(&self.getter(), &query)
                .map(|found| Page::cut(found, query.limit))
                .map_err(|source| fault("list documents", source));
        }
        let permit = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let listers = Arc::clone(&self.listers);
        // Goes on when the caller goes away, so that the connection always comes back.
        let listed = tokio::task::spawn_blocking(move || {
            let connection = listers
                .lock()
                .pop()
                .expect("a permit stands for a connection");
            let found = list(&connection, &query);
            listers.lock().push(connection);
            drop(permit);
            found.map(|found| Page::cut(found, query.limit))
        });
        listed
            .await
            .map_err(|source| Error::Unavailable {
                doing: "list documents",
                source: Box::new(source),
            })?
            .map_err(|source| fault("list documents", source))
    }
}

fn read(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(
            "SELECT path, number, touched, schema, body FROM documents
             WHERE kind = ?1 AND path = ?2",
        )?
        .query_row(params![key.kind().as_str(), key.path()], |row| {
            stored(key.kind(), row)
        })
        .optional()
}

const LIST_ALL: &str = "SELECT path, number, touched, schema, body FROM documents
     WHERE kind = ?1 AND path > ?2 ORDER BY path LIMIT ?3";
const LIST_UNDER: &str = "SELECT path, number, touched, schema, body FROM documents
     WHERE kind = ?1 AND path > ?2 AND path < ?3 ORDER BY path LIMIT ?4";
// CROSS JOIN fixes the order of the loops: entries first, in the order of their key.
const LIST_INDEXED: &str = "SELECT d.path, d.number, d.touched, d.schema, d.body
     FROM index_entries AS e CROSS JOIN documents AS d
       ON d.kind = e.kind AND d.path = e.path
     WHERE e.kind = ?1 AND e.name = ?2 AND e.value = ?3 AND e.path > ?4
     ORDER BY e.path LIMIT ?5";

fn list(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Stored>> {
    let kind = query.kind.as_str();
    let after = query.after.as_deref().unwrap_or_default();
    // One more than asked for says whether there is more.
    let wanted = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows = |statement: &str, parameters: &[&dyn ToSql]| {
        connection
            .prepare_cached(statement)?
            .query_map(parameters, |row| stored(query.kind, row))?
            .collect()
    };
    match &query.scope {
        Scope::All => rows(LIST_ALL, &[&kind, &after, &wanted]),
        Scope::Under(path) => {
            let (from, to) = Scope::bounds_under(path);
            let after = after.max(from.as_str());
            rows(LIST_UNDER, &[&kind, &after, &to, &wanted])
        }
        Scope::Indexed(index, value) => {
            let name = index.as_str();
            rows(LIST_INDEXED, &[&kind, &name, value, &after, &wanted])
        }
    }
}

fn stored(kind: dcm_types::DocumentKind, row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        key: Key::from_stored(kind, row.get(0)?),
        version: Version {
            number: row.get(1)?,
            touched: row.get(2)?,
        },
        schema: row.get(3)?,
        body: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use dcm_types::{DocumentKind, Index};

    #[test]
    fn statements_are_planned_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let _opened = open::open(&path).unwrap();
        let connection = open::connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let scopes = [
            (Scope::All, LIST_ALL),
            (Scope::Under("a".to_owned()), LIST_UNDER),
            (
                Scope::Indexed(Index::Outreach, "a".to_owned()),
                LIST_INDEXED,
            ),
        ];
        for (scope, text) in scopes {
            for limit in [1, 7] {
                let query = Query {
                    kind: DocumentKind::Quota,
                    scope: scope.clone(),
                    after: None,
                    limit,
                };
                assert_eq!(list(&connection, &query).unwrap(), Vec::new());
            }
            let statement = connection.prepare_cached(text).unwrap();
            let again = statement.get_status(StatementStatus::RePrepare);
            assert_eq!(again, 0, "planned again for another limit: {text}");
        }
    }
}
