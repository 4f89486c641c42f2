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
use super::checkpoint::Checkpoints;
use super::{fault, lease, writer_gone};
use crate::hints::Hints;
use crate::store::{Batch, Committed, Error, Lease};

/// So much work shares one commit at most; it bounds how long the first of a group waits.
const GROUP: usize = 128;

/// After so long without work the write-ahead log is moved into the file.
const IDLE: Duration = Duration::from_millis(500);

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
pub(super) fn start(mut writer: Writer, queue: Receiver<Work>) -> Result<JoinHandle<()>, Error> {
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

/// What the thread works with.
pub(super) struct Writer {
    /// Closed before the connection, which is the last one and so empties the log.
    checkpoints: Checkpoints,
    connection: Connection,
    hints: Hints,
    clock: Arc<dyn Clock>,
    numbers: Numbers,
    /// What the group of now has changed.
    changed: Vec<Key>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        checkpoints: Checkpoints,
        hints: Hints,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let numbers =
            Numbers::load(&connection).map_err(|source| fault("read its counter", source))?;
        Ok(Self {
            checkpoints,
            connection,
            hints,
            clock,
            numbers,
            changed: Vec::new(),
        })
    }

    /// The next piece of work; meanwhile, tidies up. `None`: there will be no more.
    fn next(&mut self, queue: &Receiver<Work>) -> Option<Work> {
        self.checkpoints.between_groups(&self.connection);
        if !self.checkpoints.due_when_idle() {
            return queue.recv().ok();
        }
        match queue.recv_timeout(IDLE) {
            Ok(work) => Some(work),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.checkpoints.when_idle(&self.connection);
                queue.recv().ok()
            }
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
                    writer.checkpoints.count(batch.operations.len());
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
                    writer.checkpoints.count(1);
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
                    writer.checkpoints.count(1);
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

#[cfg(test)]
mod tests {
    use dcm_types::{DocumentKind, Timestamp};

    use super::*;
    use crate::sqlite::open;
    use crate::store::{Expect, Operation};

    struct Never;

    impl Clock for Never {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    type Answered = oneshot::Receiver<Result<Committed, Error>>;

    fn work(path: &str, length: usize) -> (Work, Answered) {
        let operations = ["a", "b"]
            .map(|part| Operation::Put {
                key: Key::from_stored(DocumentKind::Quota, format!("{path}/{part}")),
                expect: Expect::Absent,
                schema: 1,
                body: "x".repeat(length),
                indexes: vec![],
            })
            .into();
        let (answer, answered) = oneshot::channel();
        let batch = Batch { operations };
        (Work::Commit { batch, answer }, answered)
    }

    fn writer(folder: &tempfile::TempDir) -> Writer {
        let path = folder.path().join("store.db");
        let connection = open::open(&path).unwrap().connection;
        let checkpoints = Checkpoints::start(&path).unwrap();
        Writer::new(connection, checkpoints, Hints::new(), Arc::new(Never)).unwrap()
    }

    fn documents(writer: &Writer) -> Vec<String> {
        let mut statement = writer
            .connection
            .prepare("SELECT path FROM documents ORDER BY path")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[tokio::test]
    async fn batch_that_fails_in_the_middle_does_not_harm_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let trap = "CREATE TRIGGER spring BEFORE INSERT ON documents WHEN NEW.path = 'bad/b'
                 BEGIN SELECT RAISE(ABORT, 'sprung'); END";
        writer.connection.execute_batch(trap).unwrap();
        let (first, first_done) = work("first", 10);
        let (bad, refused) = work("bad", 10);
        let (last, last_done) = work("last", 10);
        writer.commit_group(vec![first, bad, last]);

        let error = refused.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Backend { .. }), "{error:?}");
        first_done.await.unwrap().unwrap();
        last_done.await.unwrap().unwrap();
        assert_eq!(
            documents(&writer),
            ["first/a", "first/b", "last/a", "last/b"]
        );
    }

    /// SQLite gives up a statement or the whole transaction when the disk is full, depending on
    /// where it happens; every place from "nothing fits" to "all fits" is tried.
    #[tokio::test]
    async fn full_disk_leaves_exactly_what_was_acknowledged() {
        let mut lost_groups = 0;
        for pages in 8..40_u32 {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = writer(&folder);
            let limit = |writer: &Writer, pages: u32| {
                let connection = &writer.connection;
                connection
                    .pragma_update(None, "max_page_count", pages)
                    .unwrap();
            };
            limit(&writer, pages);
            let sizes = [("a", 10), ("b", 30_000), ("c", 2_000)];
            let (group, answers): (Vec<_>, Vec<_>) = sizes
                .map(|(path, size)| work(path, size))
                .into_iter()
                .unzip();
            writer.commit_group(group);
            let mut there = Vec::new();
            for ((path, _), answer) in sizes.iter().zip(answers) {
                match answer.await.unwrap() {
                    Ok(_) => there.extend(["a", "b"].map(|part| format!("{path}/{part}"))),
                    Err(error) => assert!(matches!(error, Error::Full { .. }), "{error:?}"),
                }
            }
            assert_eq!(documents(&writer), there, "{pages} pages");
            lost_groups += usize::from(there.is_empty());

            limit(&writer, 1_000);
            let (again, done) = work("again", 30_000);
            writer.commit_group(vec![again]);
            done.await.unwrap().unwrap();
            assert_eq!(documents(&writer).len(), there.len() + 2);
        }
        assert!(lost_groups > 0, "no limit was low enough");
    }

    #[tokio::test]
    async fn lost_transaction_is_answered_to_all_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let mut hints = writer.hints.subscribe();
        let (group, answers): (Vec<_>, Vec<_>) = ["x", "y", "z"]
            .map(|path| work(path, 10))
            .into_iter()
            .unzip();
        // A constraint that is looked at when the transaction commits, and does not hold.
        let trap = "PRAGMA foreign_keys = ON;
             CREATE TABLE trap (x REFERENCES leases (name) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER spring AFTER INSERT ON documents
                 BEGIN INSERT INTO trap VALUES ('none'); END;";
        writer.connection.execute_batch(trap).unwrap();
        writer.commit_group(group);
        for answer in answers {
            assert!(answer.await.unwrap().is_err());
        }
        assert_eq!(documents(&writer), Vec::<String>::new());

        writer
            .connection
            .execute_batch("DROP TRIGGER spring")
            .unwrap();
        let (again, done) = work("a", 10);
        writer.commit_group(vec![again]);
        let number = done.await.unwrap().unwrap().written[0].1;
        assert!(
            number > 6,
            "numbers of the lost transaction are not used again"
        );
        let saved: u64 = writer
            .connection
            .query_row("SELECT number FROM store", [], |row| row.get(0))
            .unwrap();
        assert_eq!(saved, number + 1);
        // Not a word of the lost ones.
        let heard = futures::StreamExt::next(&mut hints).await;
        let changed = Key::from_stored(DocumentKind::Quota, "a/a".to_owned());
        assert_eq!(heard, Some(crate::store::Change::Document(changed)));
    }
}
