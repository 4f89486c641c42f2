//! Wakes all who wait for a change, in the order in which they came: a run shall not hang on chance.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts changes, and wakes.
#[derive(Default)]
pub(super) struct Signal {
    given: AtomicU64,
    notify: Notify,
}

impl Signal {
    /// Something changed.
    pub(super) fn give(&self) {
        self.given.fetch_add(1, Ordering::AcqRel);
        self.notify.notify_waiters();
    }

    /// How often it was given.
    pub(super) fn given(&self) -> u64 {
        self.given.load(Ordering::Acquire)
    }

    /// Ends when it was given again since.
    pub(super) async fn after(&self, seen: u64) {
        let mut waiting = pin!(self.notify.notified());
        // Before the look: what is given in between is not missed.
        waiting.as_mut().enable();
        if self.given() == seen {
            waiting.await;
        }
    }
}
