//! Moving the write-ahead log into the file, without making writers wait for it.
//!
//! Under load a thread with a connection of its own moves most of the log while the writer goes on.
//! What was written meanwhile is left over; the writer moves that itself between two groups, which is
//! short, and only then the log starts anew instead of growing. When there is nothing to do, the
//! writer moves all of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, OpenFlags};

use super::open;
use crate::store::Error;

/// Rows after which the log is moved; a row costs at most about a page of it (4 KiB), so that the log
/// stays below about 130 MB. Each move slows the commits of a moment down: with fewer of them, those are
/// well below one in a hundred.
const ROWS: usize = 32_000;

const RESTING: u8 = 0;
const MOVING: u8 = 1;
const REST_TO_MOVE: u8 = 2;

/// The writer's view of it.
pub(super) struct Checkpoints {
    /// Rows written since the log was last moved.
    rows: usize,
    state: Arc<AtomicU8>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Self, Error> {
        let connection = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let state = Arc::new(AtomicU8::new(RESTING));
        let (wake, woken) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("store-log".to_owned())
            .spawn({
                let state = Arc::clone(&state);
                move || run(&connection, &state, &woken)
            })
            .map_err(|source| Error::Unavailable {
                doing: "start its checkpoints",
                source: Box::new(source),
            })?;
        Ok(Self {
            rows: 0,
            state,
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// The writer is about to write so many rows.
    pub(super) fn count(&mut self, rows: usize) {
        self.rows += rows;
    }

    /// Whether something was written that may be in the log only.
    pub(super) fn due_when_idle(&self) -> bool {
        self.rows > 0
    }

    /// Between two groups: starts what takes long elsewhere, finishes what is short here.
    pub(super) fn between_groups(&mut self, writer: &Connection) {
        match self.state.load(Ordering::Acquire) {
            REST_TO_MOVE => {
                self.rows = 0;
                move_log(writer);
                self.state.store(RESTING, Ordering::Release);
            }
            RESTING if self.rows >= ROWS => {
                self.state.store(MOVING, Ordering::Release);
                if let Some(wake) = &self.wake
                    && wake.try_send(()).is_err()
                {
                    // The thread is gone: then it is done here.
                    self.state.store(REST_TO_MOVE, Ordering::Release);
                }
            }
            _ => {}
        }
    }

    /// There is no work: moves all of it.
    pub(super) fn when_idle(&mut self, writer: &Connection) {
        self.rows = 0;
        move_log(writer);
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's checkpoints had panicked");
        }
    }
}

fn run(connection: &Connection, state: &AtomicU8, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        move_log(connection);
        state.store(REST_TO_MOVE, Ordering::Release);
    }
}

/// Moves the log as far as readers allow, and waits for nobody; what stays is moved the next time.
fn move_log(connection: &Connection) {
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "checkpoint of the store"
        );
    }
}
