//! How much one address may ask for, and how much is answered at the same time (T35).
//!
//! An address that asks too often, or for too much at once, is told so (429). What the process cannot
//! answer at the moment is refused at once (503) and not queued: a queue would only make every answer late.
//! Who waits for a status costs next to nothing, so waiting counts for the address only.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::places::{Place, Places};

/// Limits of what is asked for; they hold for each process.
#[derive(Debug, Clone)]
pub struct PressureLimits {
    /// Requests of one address in a second, and as many at once before that counts.
    pub per_second: NonZeroU32,
    /// Requests of one address at the same time, waiting ones among them.
    pub per_address: usize,
    /// Requests that are answered at the same time, without those that wait.
    pub answered: usize,
}

impl Default for PressureLimits {
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::new(50_000).expect("it is not zero"),
            per_address: 1536,
            answered: 512,
        }
    }
}

/// How many requests pass until addresses that went quiet are forgotten.
const FORGET_EVERY: u64 = 10_000;

/// What the middleware knows.
pub(crate) struct Pressure {
    limits: PressureLimits,
    rates: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    seen: AtomicU64,
    running: Arc<Places>,
    answered: Semaphore,
}

impl Pressure {
    pub(crate) fn new(limits: PressureLimits) -> Arc<Self> {
        Arc::new(Self {
            rates: RateLimiter::keyed(Quota::per_second(limits.per_second)),
            clock: DefaultClock::default(),
            seen: AtomicU64::default(),
            running: Places::new(limits.per_address),
            answered: Semaphore::new(limits.answered),
            limits,
        })
    }

    fn check_rate(&self, address: IpAddr) -> Result<(), ApiError> {
        if self.seen.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.rates.retain_recent();
            self.rates.shrink_to_fit();
        }
        self.rates.check_key(&address).map_err(|early| {
            let wait = early.wait_time_from(self.clock.now()).as_secs_f64().ceil();
            let message = format!(
                "an address may send {} requests in a second",
                self.limits.per_second
            );
            ApiError::too_many_requests(message, seconds(wait))
        })
    }

    fn enter(&self, address: IpAddr) -> Result<Place, ApiError> {
        self.running.take(address).ok_or_else(|| {
            let limit = self.limits.per_address;
            let message = format!("an address may have {limit} requests at the same time");
            ApiError::too_many_requests(message, 1)
        })
    }
}

/// Whole seconds to wait, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded before"
)]
fn seconds(wait: f64) -> u32 {
    wait.clamp(1.0, 3600.0) as u32
}

/// The middleware.
pub(crate) async fn bound(
    State(pressure): State<Arc<Pressure>>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&pressure, &request) {
        Ok(_inside) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

type Admitted<'a> = (Option<Place>, Option<tokio::sync::SemaphorePermit<'a>>);

/// What must be held while the request is answered.
fn admit<'a>(pressure: &'a Arc<Pressure>, request: &Request) -> Result<Admitted<'a>, ApiError> {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(MatchedPath::as_str).unwrap_or_default();
    // Whoever asks whether it lives must be told also under pressure.
    if ["/healthz", "/readyz", "/metrics"].contains(&route) {
        return Ok((None, None));
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let inside = match peer {
        Some(ConnectInfo(peer)) => {
            let address = peer.ip().to_canonical();
            pressure.check_rate(address)?;
            Some(pressure.enter(address)?)
        }
        None => None,
    };
    if waits(route, request) {
        return Ok((inside, None));
    }
    match pressure.answered.try_acquire() {
        Ok(permit) => Ok((inside, Some(permit))),
        Err(_) => Err(ApiError::overloaded()),
    }
}

/// Whether the answer comes only when something happens.
fn waits(route: &str, request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    route.ends_with("/status/stream") || (route.ends_with("/status") && query.contains("wait="))
}
