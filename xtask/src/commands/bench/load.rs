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

/// A request of its own for each number.
pub(super) type Request<'a> = &'a (dyn Fn(u64) -> (String, String) + Sync);

#[derive(Default)]
pub(super) struct Load {
    /// Milliseconds of each request.
    times: Vec<f64>,
    elapsed: Duration,
}

impl Load {
    /// POSTs from `clients` clients for so long; every answer must be 201.
    pub(super) fn run(
        server: SocketAddr,
        clients: usize,
        time: Duration,
        next: &AtomicU64,
        request: Request<'_>,
    ) -> Result<Self> {
        let began = Instant::now();
        let times = thread::scope(|scope| {
            let client = || {
                let mut connection = Connection::open(server)?;
                let mut times = Vec::new();
                while began.elapsed() < time {
                    let (path, body) = request(next.fetch_add(1, Ordering::Relaxed));
                    let sent = Instant::now();
                    let answer = connection.send("POST", &path, &body)?;
                    times.push(sent.elapsed().as_secs_f64() * 1e3);
                    if answer.status != 201 {
                        bail!("POST {path}: {}: {}", answer.status, answer.body);
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
