//! The one thread that writes.
//!
//! Group commit: it takes all work that waits, does each piece in the same transaction, syncs once,
//! and then answers all. While it syncs, the next group gathers, so that many clients share a sync
//! and a single one waits for nobody. A batch that is refused has changed nothing, and the others of
//! its group go on.
//!
//! Invariants: nobody is answered before the sync, not even the refused: what they were refused for
//! may be in the same group; hints go out after the sync and in the order of commits.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dcm_types::Key;
use dcm_types::ports::Clock;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::apply::{self, Failure, Numbers};
use super::{fault, lease, writer_gone};
use crate::hints::Hints;
use crate::store::{Batch, Committed, Error, Lease};

/// So much work shares one commit at most; it bounds how long the first of a group waits.
const GROUP: usize = 128;

/// After so long without work the write-ahead log is moved into the file.
const IDLE: Duration = Duration::from_millis(500);

/// Under load the log is moved after about so many rows were written (a row costs about a page).
const ROWS_BETWEEN_CHECKPOINTS: usize = 4_000;

type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is asked to do.
pub(super) enum Work {
    Commit {
        batch: Batch,
        answer: Answer<Committed>,
    },
    Lease {
        name: String,
        holder: String,
        ttl: Duration,
        answer: Answer<Option<Lease>>,
    },
    KeyId {
        answer: Answer<Option<String>>,
    },
    BindKeyId {
        id: String,
        answer: Answer<()>,
    },
}

/// What came of the transaction of a group; the error is shared by all that were in it.
type Outcome = Result<(), Arc<rusqlite::Error>>;

/// Gives the answer to one piece of work, once it is known what came of its group.
type Reply = Box<dyn FnOnce(&Outcome)>;

fn reply<T: 'static>(answer: Answer<T>, result: Result<T, Error>) -> Reply {
    Box::new(move |outcome| {
        let result = match outcome {
            Ok(()) => result,
            Err(lost) => Err(fault("commit", Arc::clone(lost))),
        };
        // Whoever asked may be gone; what was committed stands.
        let _ = answer.send(result);
    })
}

/// Starts the thread; it ends when the queue has no sender any more.
pub(super) fn start(
    connection: Connection,
    queue: Receiver<Work>,
    hints: Hints,
    clock: Arc<dyn Clock>,
) -> Result<JoinHandle<()>, Error> {
    let numbers = Numbers::load(&connection).map_err(|source| fault("read its counter", source))?;
    let mut writer = Writer {
        connection,
        hints,
        clock,
        numbers,
        rows: 0,
        changed: Vec::new(),
    };
    thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || {
            while let Some(first) = writer.next(&queue) {
                let mut group = vec![first];
                group.extend(queue.try_iter().take(GROUP - 1));
                writer.commit_group(group);
            }
        })
        .map_err(|source| Error::Unavailable {
            doing: "start its writer",
            source: Box::new(source),
        })
}

struct Writer {
    connection: Connection,
    hints: Hints,
    clock: Arc<dyn Clock>,
    numbers: Numbers,
    /// Rows written since the last checkpoint, about.
    rows: usize,
    /// What the group of now has changed.
    changed: Vec<Key>,
}

impl Writer {
    /// The next piece of work; meanwhile, tidies up. `None`: there will be no more.
    fn next(&mut self, queue: &Receiver<Work>) -> Option<Work> {
        if self.rows >= ROWS_BETWEEN_CHECKPOINTS {
            self.checkpoint();
        }
        if self.rows == 0 {
            return queue.recv().ok();
        }
        match queue.recv_timeout(IDLE) {
            Ok(work) => Some(work),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.checkpoint();
                queue.recv().ok()
            }
        }
    }

    /// Moves the log into the file as far as readers allow; the rest stays for the next time.
    fn checkpoint(&mut self) {
        self.rows = 0;
        let moved = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = moved {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "checkpoint of the store"
            );
        }
    }

    fn commit_group(&mut self, group: Vec<Work>) {
        let mut state = self.execute("BEGIN IMMEDIATE");
        let replies: Vec<Reply> = group
            .into_iter()
            .map(|work| self.run(work, &mut state))
            .collect();
        let outcome = state.and_then(|()| self.finish()).map_err(Arc::new);
        let changed = std::mem::take(&mut self.changed);
        match &outcome {
            Ok(()) => self.hints.send(changed),
            Err(_) => self.roll_back(),
        }
        for reply in replies {
            reply(&outcome);
        }
    }

    /// Does one piece of work inside the transaction of its group.
    fn run(&mut self, work: Work, state: &mut rusqlite::Result<()>) -> Reply {
        match work {
            Work::Commit { batch, answer } => {
                let result = self.attempt(state, "write a batch", |writer| {
                    writer.rows += batch.operations.len();
                    let (committed, changed) =
                        apply::batch(&writer.connection, &mut writer.numbers, batch)?;
                    writer.changed.extend(changed);
                    Ok(committed)
                });
                reply(answer, result)
            }
            Work::Lease {
                name,
                holder,
                ttl,
                answer,
            } => {
                let result = self.attempt(state, "write a lease", |writer| {
                    writer.rows += 1;
                    let now = writer.clock.now();
                    Ok(lease::take(&writer.connection, &name, &holder, (now, ttl))?)
                });
                reply(answer, result)
            }
            Work::KeyId { answer } => {
                let result = self.attempt(state, "read its key id", |writer| {
                    Ok(lease::key_id(&writer.connection)?)
                });
                reply(answer, result)
            }
            Work::BindKeyId { id, answer } => {
                let result = self.attempt(state, "bind its key id", |writer| {
                    writer.rows += 1;
                    lease::bind_key_id(&writer.connection, &id)
                });
                reply(answer, result)
            }
        }
    }

    /// Runs one piece unless the transaction is lost already. When SQLite gives up the whole
    /// transaction (a full disk does that), `state` takes the error, for everybody in the group.
    fn attempt<T>(
        &mut self,
        state: &mut rusqlite::Result<()>,
        doing: &'static str,
        piece: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        if state.is_err() {
            // Not the answer that is given: that is the error in `state`.
            return Err(writer_gone());
        }
        piece(self).map_err(|failure| match failure {
            Failure::Refused(error) => error,
            Failure::Sql(error) if self.connection.is_autocommit() => {
                *state = Err(error);
                writer_gone()
            }
            Failure::Sql(error) => fault(doing, error),
        })
    }

    fn finish(&mut self) -> rusqlite::Result<()> {
        self.numbers.save(&self.connection)?;
        self.execute("COMMIT")?;
        self.numbers.saved();
        Ok(())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "roll back in the store"
            );
        }
    }

    fn execute(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }
}
