//! The embedded backend: one SQLite file, the default of `dcm serve`.
//!
//! ```text
//!   open    the file, its lock, its settings and its schema
//!   writer  the one thread that writes: group commit, checkpoints
//!   checkpoint  moving the write-ahead log into the file
//!   apply   one batch inside the writer's transaction
//!   lease   leases, and which key seals the secrets in this file
//!   reader  connections that only read
//! ```
//!
//! Invariants: a commit is acknowledged only after its bytes were synced; one process has the file
//! at a time (a lock file says so), which is why the counter of versions may live in the writer;
//! waiting for the disk never happens on a thread of the async runtime, but for single-row reads.

mod apply;
mod checkpoint;
mod lease;
mod open;
mod reader;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::Key;
use dcm_types::ports::Clock;
use futures::stream::BoxStream;
use tokio::sync::oneshot;

pub use open::{Refusal, SCHEMA_VERSION};

use crate::hints::Hints;
use crate::store::{Batch, Change, Committed, Error, Lease, Page, Query, Store, Stored};
use checkpoint::Checkpoints;
use open::Lock;
use reader::Readers;
use writer::{Work, Writer};

/// A store in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    readers: Option<Readers>,
    work: Option<mpsc::Sender<Work>>,
    writer: Option<JoinHandle<()>>,
    hints: Hints,
    /// Held until everything else is closed.
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the store in a file, or makes it: the file private to us (0600), its directory too when
    /// it is new (0700). Leases go by `clock`. Blocks; refuses a file that another process uses,
    /// that others may read, that a newer program wrote, or that is damaged ([`Refusal`]).
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let opened = open::open(path)?;
        let readers = Readers::open(path)?;
        let hints = Hints::new();
        let (work, queue) = mpsc::channel();
        let checkpoints = Checkpoints::start(path)?;
        let writer = Writer::new(opened.connection, checkpoints, hints.clone(), clock)?;
        let writer = writer::start(writer, queue)?;
        Ok(Self {
            path: path.to_owned(),
            readers: Some(readers),
            work: Some(work),
            writer: Some(writer),
            hints,
            _lock: opened.lock,
        })
    }

    /// Which key seals the secrets in this file, once [`SqliteStore::bind_key_id`] has said so. While
    /// there is one, starting without that key must be refused.
    pub async fn key_id(&self) -> Result<Option<String>, Error> {
        self.ask(|answer| Work::KeyId { answer }).await
    }

    /// Records, durably and before the first secret is stored, which key seals the secrets in this
    /// file. The same id again is fine, another one is refused.
    pub async fn bind_key_id(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        self.ask(|answer| Work::BindKeyId { id, answer }).await
    }

    /// Gives work to the writer and waits for its answer.
    async fn ask<T>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Work,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.work
            .as_ref()
            .and_then(|queue| queue.send(work(answer)).ok())
            .ok_or_else(writer_gone)?;
        answered.await.map_err(|_| writer_gone())?
    }

    fn readers(&self) -> Result<&Readers, Error> {
        self.readers.as_ref().ok_or_else(writer_gone)
    }
}

impl Drop for SqliteStore {
    /// Ends the writer after what was given to it, and closes the file cleanly.
    fn drop(&mut self) {
        // Readers first: the last connection to close empties the write-ahead log.
        self.readers = None;
        self.work = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "the store's writer had panicked");
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        // One descent of a tree, microseconds: less than handing it to another thread.
        self.readers()?.get(key)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        self.readers()?.get_many(keys)
    }

    async fn list(&self, query: &Query) -> Result<Page, Error> {
        self.readers()?.list(query.clone()).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        batch.refuse_repeated_keys()?;
        self.ask(|answer| Work::Commit { batch, answer }).await
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.hints.subscribe()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.ask(|answer| Work::Lease {
            name,
            holder,
            ttl,
            answer,
        })
        .await
    }
}

/// The writer ended before the store did.
#[derive(Debug, thiserror::Error)]
#[error("the thread that writes has ended")]
struct WriterGone;

fn writer_gone() -> Error {
    Error::Backend {
        doing: "reach its writer",
        source: Box::new(WriterGone),
    }
}

/// Sorts an error of SQLite into those that may pass and those that stay.
fn fault<E>(doing: &'static str, source: E) -> Error
where
    E: std::borrow::Borrow<rusqlite::Error> + std::error::Error + Send + Sync + 'static,
{
    use rusqlite::ErrorCode as Code;
    let code = source.borrow().sqlite_error_code();
    let source = Box::new(source);
    match code {
        // SQLite takes the whole transaction back.
        Some(Code::DiskFull) => Error::Full { doing, source },
        Some(
            Code::DatabaseBusy
            | Code::DatabaseLocked
            | Code::OutOfMemory
            | Code::SystemIoFailure
            | Code::CannotOpen,
        ) => Error::Unavailable { doing, source },
        _ => Error::Backend { doing, source },
    }
}
