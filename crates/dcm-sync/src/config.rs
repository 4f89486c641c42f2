//! Settings of the synchronizer. Every field has a default; times are in milliseconds or seconds as named.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `[sync]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Runs of the synchronizer at the same time, over all clusters. Default 64.
    pub runs_total: usize,
    /// Runs at the same time in one cluster. Default 8.
    pub runs_per_cluster: usize,
    /// Calls in flight to one cluster. Default 8.
    pub calls_in_flight: usize,
    /// Calls per second to one cluster. Default 100.
    pub calls_per_second: u32,
    /// Calls that may be made at once after a pause. Default 200.
    pub calls_burst: u32,
    /// Calls per second to one cluster for scans and renewals. Default 20.
    pub housekeeping_calls_per_second: u32,
    /// Seconds between two scans of everything. Default 60.
    pub scan_interval_seconds: u64,
    /// Seconds between two checks of a registered cluster. Default 300.
    pub health_interval_seconds: u64,
    /// Milliseconds before the first repeat of a failed run; doubles up to the cap. Default 500.
    pub backoff_first_ms: u64,
    /// Longest back-off in seconds. Default 300.
    pub backoff_cap_seconds: u64,
    /// Seconds for a TCP and TLS connection. Default 5.
    pub connect_deadline_seconds: u64,
    /// Seconds for one call. Default 20.
    pub call_deadline_seconds: u64,
    /// Seconds for one run; checked before each call. Default 30.
    pub run_deadline_seconds: u64,
    /// Seconds after which a watch without any event is opened anew. Default 60.
    pub watch_idle_seconds: u64,
    /// Milliseconds that a run waits for a certificate or a quota that is about to come, before it
    /// ends and leaves the rest to the watch. Default 1000.
    pub settle_ms: u64,
    /// Days for which a user's certificate is valid. Default 7.
    pub certificate_days: u32,
    /// Largest answer of a cluster in bytes. Default 8 MiB.
    pub answer_limit_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            runs_total: 64,
            runs_per_cluster: 8,
            calls_in_flight: 8,
            calls_per_second: 100,
            calls_burst: 200,
            housekeeping_calls_per_second: 20,
            scan_interval_seconds: 60,
            health_interval_seconds: 300,
            backoff_first_ms: 500,
            backoff_cap_seconds: 300,
            connect_deadline_seconds: 5,
            call_deadline_seconds: 20,
            run_deadline_seconds: 30,
            watch_idle_seconds: 60,
            settle_ms: 1000,
            certificate_days: 7,
            answer_limit_bytes: 8 * 1024 * 1024,
        }
    }
}

impl Config {
    pub(crate) fn scan_interval(&self) -> Duration {
        Duration::from_secs(self.scan_interval_seconds.max(1))
    }

    pub(crate) fn health_interval(&self) -> Duration {
        Duration::from_secs(self.health_interval_seconds.max(1))
    }

    pub(crate) fn backoff_cap(&self) -> Duration {
        Duration::from_secs(self.backoff_cap_seconds.max(1))
    }

    pub(crate) fn connect_deadline(&self) -> Duration {
        Duration::from_secs(self.connect_deadline_seconds.max(1))
    }

    pub(crate) fn call_deadline(&self) -> Duration {
        Duration::from_secs(self.call_deadline_seconds.max(1))
    }

    pub(crate) fn run_deadline(&self) -> Duration {
        Duration::from_secs(self.run_deadline_seconds.max(1))
    }

    pub(crate) fn watch_idle(&self) -> Duration {
        Duration::from_secs(self.watch_idle_seconds.max(5))
    }

    pub(crate) fn settle(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }

    /// How long after a terminating run a stale run could still write: its deadline and that of its
    /// last call.
    pub(crate) fn second_look(&self) -> Duration {
        self.run_deadline() + self.call_deadline()
    }
}
