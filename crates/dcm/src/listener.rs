//! The listener of the REST interface. Callers are not authenticated yet, so it is on loopback only.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use dcm_api::PressureLimits;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// `[server]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on. It must be a loopback address, because callers are not
    /// authenticated yet; port 0 takes a free one. Default "127.0.0.1:9077".
    pub listen: SocketAddr,
    /// Connections at the same time; more wait to be accepted. Default 2048.
    pub connections: NonZeroU32,
    /// Connections of one address at the same time; more are closed. Default 1792.
    pub connections_per_address: NonZeroU32,
    /// Requests per second of one address, and as many at once after a pause; more are answered by
    /// 429. Default 50000.
    pub requests_per_second: NonZeroU32,
    /// Requests of one address at the same time, those that wait for a status among them; more are
    /// answered by 429. Default 1536.
    pub requests_per_address: NonZeroU32,
    /// Requests at the same time, without those that wait for a status; more are answered by 503.
    /// Default 512.
    pub requests_at_once: NonZeroU32,
    /// Requests of one caller with an `Idempotency-Key` whose answers are kept, for 24 hours each;
    /// more are answered by 429. Default 10000.
    pub idempotency_keys: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9077)),
            connections: number(2048),
            connections_per_address: number(1792),
            requests_per_second: number(50_000),
            requests_per_address: number(1536),
            requests_at_once: number(512),
            idempotency_keys: number(10_000),
        }
    }
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a default is not zero")
}

/// A number of things in memory.
pub(crate) fn count(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}

impl Config {
    /// What one address may ask for, and what is answered at the same time.
    pub(crate) fn pressure(&self) -> PressureLimits {
        PressureLimits {
            per_second: self.requests_per_second,
            per_address: count(self.requests_per_address),
            answered: count(self.requests_at_once),
        }
    }
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others could reach it.
    #[error(
        "refuse to listen on {0}: callers are not authenticated yet, so only this machine may reach \
         the server; use a loopback address, for example 127.0.0.1:{port}", port = .0.port()
    )]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("listen on {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Listens.
pub async fn bind(config: &Config) -> Result<TcpListener, Error> {
    let address = config.listen;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Bind { address, source })
}
