//! Limits towards one member: calls in flight, calls per second, and fewer of them for housekeeping;
//! and the deadline of a run, which is checked before each send.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::config::Config;
use dcm_cluster::{Answer, Call, CallError, CallErrorKind, ClusterApi, Resource, WatchStream};

/// A token bucket: `rate` a second, at most `burst` at once.
struct Bucket {
    rate: f64,
    burst: f64,
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    fn new(rate: u32, burst: u32) -> Self {
        let burst = f64::from(burst.max(1));
        Self {
            rate: f64::from(rate.max(1)),
            burst,
            state: Mutex::new((burst, Instant::now())),
        }
    }

    /// Takes a token and says how long to wait before using it; `None`, and nothing is taken, when that is later
    /// than `until`. What cannot be done in time must not make others wait: their runs would come too late in
    /// turn, and so for ever.
    fn take(&self, until: Instant) -> Option<Duration> {
        let mut state = self.state.lock();
        let now = Instant::now();
        let (tokens, at) = *state;
        let tokens = (tokens + (now - at).as_secs_f64() * self.rate).min(self.burst);
        let wait = Duration::from_secs_f64((1.0 - tokens).max(0.0) / self.rate);
        let in_time = wait.is_zero() || now + wait < until;
        *state = (if in_time { tokens - 1.0 } else { tokens }, now);
        in_time.then_some(wait)
    }
}

/// The limits of one member, shared by all runs.
pub(crate) struct Limits {
    in_flight: Arc<Semaphore>,
    all: Bucket,
    housekeeping: Bucket,
    /// Calls made, for metrics.
    pub(crate) calls: AtomicU64,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        let housekeeping = config.housekeeping_calls_per_second;
        Self {
            in_flight: Arc::new(Semaphore::new(config.calls_in_flight.max(1))),
            all: Bucket::new(config.calls_per_second, config.calls_burst),
            housekeeping: Bucket::new(housekeeping, housekeeping),
            calls: AtomicU64::new(0),
        }
    }
}

/// A member as one run sees it: limited, and silent after the run's deadline.
pub(crate) struct Limited {
    pub(crate) inner: Arc<dyn ClusterApi>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) deadline: Instant,
    pub(crate) housekeeping: bool,
}

impl Limited {
    async fn admit(&self, name: &str) -> Result<tokio::sync::OwnedSemaphorePermit, CallError> {
        let late = || CallError::new(CallErrorKind::Deadline, name, "the run took too long");
        let mut wait = Duration::ZERO;
        if self.housekeeping {
            wait = self
                .limits
                .housekeeping
                .take(self.deadline)
                .ok_or_else(late)?;
        }
        wait = wait.max(self.limits.all.take(self.deadline).ok_or_else(late)?);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let permit = Arc::clone(&self.limits.in_flight)
            .acquire_owned()
            .await
            .map_err(|_| CallError::new(CallErrorKind::Deadline, name, "shutting down"))?;
        // Last look before the send: a run that slept through its deadline must not write any more.
        if Instant::now() >= self.deadline {
            return Err(late());
        }
        Ok(permit)
    }
}

#[async_trait]
impl ClusterApi for Limited {
    async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let name = call.name();
        let _permit = self.admit(&name).await?;
        self.limits.calls.fetch_add(1, Ordering::Relaxed);
        let mutates = call.mutates();
        let span = tracing::debug_span!("call", call = name);
        let answer = self.inner.call(call).instrument(span).await;
        if mutates {
            tracing::debug!(call = name, ok = answer.is_ok(), "call to member");
        }
        answer
    }

    async fn watch(
        &self,
        resource: Resource,
        selector: &str,
        resource_version: &str,
    ) -> Result<WatchStream, CallError> {
        self.inner.watch(resource, selector, resource_version).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_that_would_come_too_late_do_not_delay_those_after_them() {
        let bucket = Bucket::new(20, 20);
        let run = Duration::from_secs(2);
        // Five times what there is room for, for a minute.
        for _ in 0..60 {
            let admitted = (0..100).filter_map(|_| bucket.take(Instant::now() + run));
            let waits: Vec<_> = admitted.collect();
            assert!(waits.len() >= 19, "{} calls in a second", waits.len());
            assert!(waits.iter().all(|wait| *wait < run));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        tokio::time::advance(run + Duration::from_secs(1)).await;
        assert_eq!(bucket.take(Instant::now() + run), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_wait_for_their_turn() {
        let bucket = Bucket::new(10, 2);
        let until = Instant::now() + Duration::from_hours(1);
        let waits = [0; 4].map(|_| bucket.take(until).unwrap().as_millis());
        assert_eq!(waits, [0, 0, 100, 200]);
    }
}
