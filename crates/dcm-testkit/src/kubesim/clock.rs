//! Time that goes with tokio's: also when that is paused, and jumps from one timer to the next.

use std::time::Duration;

use dcm_types::Timestamp;
use dcm_types::ports::Clock;
use parking_lot::Mutex;
use tokio::time::Instant;

/// A clock that starts at a fixed time and goes with tokio's.
pub struct VirtualClock {
    start: Timestamp,
    began: Instant,
    ahead: Mutex<jiff::SignedDuration>,
}

impl VirtualClock {
    /// A clock that shows `start` now. Must be made within a tokio runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            began: Instant::now(),
            ahead: Mutex::default(),
        }
    }

    /// Sets the clock forward, as an operator may.
    pub fn forward(&self, time: Duration) {
        let mut ahead = self.ahead.lock();
        *ahead += jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
    }

    /// Sets the clock back, as an operator may.
    pub fn back(&self, time: Duration) {
        let mut ahead = self.ahead.lock();
        *ahead -= jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.start + self.began.elapsed() + *self.ahead.lock()
    }
}
