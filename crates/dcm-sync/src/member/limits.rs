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

    /// Takes a token and says how long to wait before using it.
    fn take(&self) -> Duration {
        let mut state = self.state.lock();
        let now = Instant::now();
        let (tokens, at) = *state;
        let tokens = (tokens + (now - at).as_secs_f64() * self.rate).min(self.burst) - 1.0;
        *state = (tokens, now);
        if tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-tokens / self.rate)
        }
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
        let mut wait = self.limits.all.take();
        if self.housekeeping {
            wait = wait.max(self.limits.housekeeping.take());
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let permit = Arc::clone(&self.limits.in_flight)
            .acquire_owned()
            .await
            .map_err(|_| CallError::new(CallErrorKind::Deadline, name, "shutting down"))?;
        // Last look before the send: a run that slept through its deadline must not write any more.
        if Instant::now() >= self.deadline {
            return Err(CallError::new(
                CallErrorKind::Deadline,
                name,
                "the run took too long",
            ));
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
