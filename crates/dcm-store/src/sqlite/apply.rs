//! One batch inside the writer's transaction.
//!
//! All preconditions are checked first, which is right because no key is named twice, so a refused
//! batch has written nothing. The writes run in a savepoint of their own: when SQLite fails in the
//! middle, the others of the group are not harmed.

use dcm_types::{Index, Key};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::store::{Batch, Committed, Error, Operation, Version};

/// Why a piece of work was not done.
pub(super) enum Failure {
    /// It must not be done.
    Refused(Error),
    /// SQLite failed.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The counter of version numbers. It never goes back, not even when a transaction does.
#[derive(Debug)]
pub(super) struct Numbers {
    last: u64,
    saved: u64,
}

impl Numbers {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let last = connection.query_row("SELECT number FROM store", [], |row| row.get(0))?;
        Ok(Self { last, saved: last })
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Writes the counter into the transaction that used it.
    pub(super) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.last != self.saved {
            connection
                .prepare_cached("UPDATE store SET number = ?1")?
                .execute([self.last])?;
        }
        Ok(())
    }

    /// That transaction was committed.
    pub(super) fn saved(&mut self) {
        self.saved = self.last;
    }
}

/// What is there before the batch.
struct Found {
    version: Version,
    indexes: Option<String>,
}

/// Applies a batch; answers also the keys of the documents that changed.
pub(super) fn batch(
    connection: &Connection,
    numbers: &mut Numbers,
    batch: Batch,
) -> Result<(Committed, Vec<Key>), Failure> {
    let found = check(connection, &batch)?;
    run(connection, "SAVEPOINT batch")?;
    match write(connection, numbers, batch, &found) {
        Ok(outcome) => {
            run(connection, "RELEASE batch")?;
            Ok(outcome)
        }
        Err(error) => {
            // Some errors take the whole transaction with them; the writer looks at that.
            if !connection.is_autocommit() {
                run(connection, "ROLLBACK TO batch")?;
                run(connection, "RELEASE batch")?;
            }
            Err(error.into())
        }
    }
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}

/// Checks all preconditions; answers what is there, in the order of the operations.
fn check(connection: &Connection, batch: &Batch) -> Result<Vec<Option<Found>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT number, touched, indexes FROM documents WHERE kind = ?1 AND path = ?2",
    )?;
    batch
        .operations
        .iter()
        .map(|operation| {
            let key = operation.key();
            let found = find(&mut statement, key)?;
            let version = found.as_ref().map(|found| found.version);
            if operation.expect().holds(version) {
                return Ok(found);
            }
            Err(Failure::Refused(Error::Precondition {
                key: key.clone(),
                found: version,
            }))
        })
        .collect()
}

fn find(statement: &mut CachedStatement<'_>, key: &Key) -> rusqlite::Result<Option<Found>> {
    statement
        .query_row(params![key.kind().as_str(), key.path()], |row| {
            Ok(Found {
                version: Version {
                    number: row.get(0)?,
                    touched: row.get(1)?,
                },
                indexes: row.get(2)?,
            })
        })
        .optional()
}

fn write(
    connection: &Connection,
    numbers: &mut Numbers,
    batch: Batch,
    found: &[Option<Found>],
) -> rusqlite::Result<(Committed, Vec<Key>)> {
    let mut written = Vec::new();
    let mut changed = Vec::new();
    for (operation, found) in batch.operations.into_iter().zip(found) {
        match &operation {
            Operation::Put { key, .. } => {
                let number = numbers.next();
                put(connection, &operation, number, found.as_ref())?;
                written.push((key.clone(), number));
                changed.push(key.clone());
            }
            Operation::Delete { key, .. } => {
                if let Some(found) = found {
                    delete(connection, key, found)?;
                    changed.push(key.clone());
                }
            }
            Operation::Assert { key, .. } => {
                if found.is_some() {
                    touch(connection, key)?;
                }
            }
        }
    }
    Ok((Committed { written }, changed))
}

fn put(
    connection: &Connection,
    operation: &Operation,
    number: u64,
    found: Option<&Found>,
) -> rusqlite::Result<()> {
    let Operation::Put {
        key,
        schema,
        body,
        indexes,
        ..
    } = operation
    else {
        return Ok(());
    };
    let (kind, path) = (key.kind().as_str(), key.path());
    let encoded = encode(indexes);
    let statement = if found.is_some() {
        "UPDATE documents SET number = ?3, touched = 0, schema = ?4, indexes = ?5, body = ?6
         WHERE kind = ?1 AND path = ?2"
    } else {
        "INSERT INTO documents (kind, path, number, touched, schema, indexes, body)
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6)"
    };
    connection
        .prepare_cached(statement)?
        .execute(params![kind, path, number, schema, encoded, body])?;
    let before = found.and_then(|found| found.indexes.as_deref());
    if before != encoded.as_deref() {
        remove_entries(connection, key, before)?;
        let mut insert = connection.prepare_cached(
            "INSERT OR IGNORE INTO index_entries (kind, name, value, path) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (index, value) in indexes {
            insert.execute(params![kind, index.as_str(), value, path])?;
        }
    }
    Ok(())
}

fn delete(connection: &Connection, key: &Key, found: &Found) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND path = ?2")?
        .execute(params![key.kind().as_str(), key.path()])?;
    remove_entries(connection, key, found.indexes.as_deref())
}

fn touch(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE documents SET touched = touched + 1 WHERE kind = ?1 AND path = ?2")?
        .execute(params![key.kind().as_str(), key.path()])?;
    Ok(())
}

/// The index values as they are kept with the document, so that they can be taken back by key.
fn encode(indexes: &[(Index, String)]) -> Option<String> {
    let pairs: Vec<(&str, &str)> = indexes
        .iter()
        .map(|(index, value)| (index.as_str(), value.as_str()))
        .collect();
    (!pairs.is_empty())
        .then(|| serde_json::to_string(&pairs).expect("pairs of text can be written as JSON"))
}

fn remove_entries(
    connection: &Connection,
    key: &Key,
    encoded: Option<&str>,
) -> rusqlite::Result<()> {
    let Some(encoded) = encoded else {
        return Ok(());
    };
    let pairs: Vec<(String, String)> = serde_json::from_str(encoded).map_err(|error| {
        let column = 5;
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })?;
    let mut statement = connection.prepare_cached(
        "DELETE FROM index_entries WHERE kind = ?1 AND name = ?2 AND value = ?3 AND path = ?4",
    )?;
    for (name, value) in pairs {
        statement.execute(params![key.kind().as_str(), name, value, key.path()])?;
    }
    Ok(())
}
