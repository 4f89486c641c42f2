//! A load generator: clients that send one request after the other, each on a connection of its own.
//!
//! Threads and blocking sockets, because they cost the least of the processors that are shared with
//! the server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use super::statistics::percentile;
use crate::http::Connection;

/// A request.
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) path: String,
    /// JSON, or nothing.
    pub(super) body: String,
}

impl Ask {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: "GET",
            path,
            body: String::new(),
        }
    }
}

/// A request of its own for each number.
pub(super) type Request<'a> = &'a (dyn Fn(u64) -> Ask + Sync);

/// When the clients have done enough.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Time(Duration),
    /// The first number that is not asked for any more.
    Number(u64),
}

#[derive(Default)]
pub(super) struct Load {
    /// Milliseconds of each request.
    times: Vec<f64>,
    elapsed: Duration,
}

impl Load {
    /// Requests from `clients` clients, numbered on from `next`; all must succeed.
    pub(super) fn run(
        server: SocketAddr,
        clients: usize,
        until: Until,
        next: &AtomicU64,
        request: Request<'_>,
    ) -> Result<Self> {
        let began = Instant::now();
        let number = || match until {
            Until::Time(time) if began.elapsed() >= time => None,
            Until::Time(_) => Some(next.fetch_add(1, Ordering::Relaxed)),
            Until::Number(end) => Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < end),
        };
        let times = thread::scope(|scope| {
            let client = || {
                let mut connection = Connection::open(server)?;
                let mut times = Vec::new();
                while let Some(number) = number() {
                    let Ask { method, path, body } = request(number);
                    let sent = Instant::now();
                    let answer = connection.send(method, &path, &body)?;
                    times.push(sent.elapsed().as_secs_f64() * 1e3);
                    if !(200..300).contains(&answer.status) {
                        bail!("{method} {path}: {}: {}", answer.status, answer.body);
                    }
                }
                anyhow::Ok(times)
            };
            let running: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
            let mut all = Vec::new();
            for client in running {
                all.extend(client.join().map_err(|_| anyhow!("a client panicked"))??);
            }
            anyhow::Ok(all)
        })?;
        Ok(Self {
            times,
            elapsed: began.elapsed(),
        })
    }

    /// Takes in what another run has measured.
    pub(super) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.elapsed += other.elapsed;
    }

    pub(super) fn percentile(&self, share: f64) -> f64 {
        percentile(&self.times, share)
    }

    pub(super) fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "some ten thousand requests")]
        let count = self.times.len() as f64;
        count / self.elapsed.as_secs_f64()
    }
}
