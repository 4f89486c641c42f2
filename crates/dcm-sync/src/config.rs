//! Settings of the synchronizer. Every field has a default; times are texts such as `60s`.

use std::time::Duration;

use dcm_cluster::Limits;
use serde::{Deserialize, Deserializer, Serialize};

mod time;

pub use time::Time;

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
    /// Time between two scans of the documents for work, and between two lists of a cluster whose watch does
    /// not work. Default 1m.
    pub scan_interval: Time,
    /// Time between two lists of a cluster whose watch works. Default 10m.
    pub rescan_interval: Time,
    /// Time between two checks of a registered cluster. Default 5m.
    pub health_interval: Time,
    /// Pause before the first repeat of a failed run; it doubles up to the cap. Default 500ms.
    pub backoff_first: Time,
    /// Longest pause before a failed run is repeated. Default 5m.
    pub backoff_cap: Time,
    /// Deadline of a TCP and TLS connection. Default 5s.
    pub connect_deadline: Time,
    /// Deadline of one call. Default 20s.
    pub call_deadline: Time,
    /// Deadline of one run; checked before each call. A terminated member counts as clean only after a
    /// second look, this and the deadline of a call after the first. Default 30s.
    pub run_deadline: Time,
    /// Time after which a watch without any event is opened anew; bookmarks, one a minute, are events.
    /// Default 2m.
    pub watch_idle: Time,
    /// How long a run waits for a certificate or a quota that is about to come, before it ends and
    /// leaves the rest to the watch. Default 1s.
    pub settle: Time,
    /// Shortest time between two records of what is used of the quotas of one logical cloud in one
    /// cluster. Default 10s.
    pub usage_interval: Time,
    /// How long a user's certificate is valid, from 1h to 720h; it is renewed after a third.
    /// Default 168h, which is 7 days.
    #[serde(deserialize_with = "certificate_life")]
    pub certificate_life: Time,
    /// How long the token of a user of type `service-account` is valid, from 10m to 720h; it is renewed
    /// after a third. A cluster may give shorter ones. Default 24h.
    #[serde(deserialize_with = "token_life")]
    pub token_life: Time,
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
            scan_interval: Time::seconds(60),
            rescan_interval: Time::seconds(600),
            health_interval: Time::seconds(300),
            backoff_first: Time::millis(500),
            backoff_cap: Time::seconds(300),
            connect_deadline: Time::seconds(5),
            call_deadline: Time::seconds(20),
            run_deadline: Time::seconds(30),
            watch_idle: Time::seconds(120),
            settle: Time::seconds(1),
            usage_interval: Time::seconds(10),
            certificate_life: Time::hours(7 * 24),
            token_life: Time::hours(24),
            answer_limit_bytes: 8 * 1024 * 1024,
        }
    }
}

/// Shortest and longest life of a user's certificate (T22).
const SHORTEST_LIFE: Duration = Duration::from_hours(1);
const LONGEST_LIFE: Duration = Duration::from_hours(30 * 24);

/// A certificate that lives shorter is renewed all the time; one that lives longer is a right that
/// nobody can take back.
fn certificate_life<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let life = Time::deserialize(deserializer)?;
    if (SHORTEST_LIFE..=LONGEST_LIFE).contains(&life.get()) {
        return Ok(life);
    }
    Err(serde::de::Error::custom("must be from 1h to 720h"))
}

/// Shortest life of a token that an API server gives.
const SHORTEST_TOKEN: Duration = Duration::from_mins(10);

fn token_life<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let life = Time::deserialize(deserializer)?;
    if (SHORTEST_TOKEN..=LONGEST_LIFE).contains(&life.get()) {
        return Ok(life);
    }
    Err(serde::de::Error::custom("must be from 10m to 720h"))
}

impl Config {
    /// What holds for calls to every member.
    pub fn call_limits(&self) -> Limits {
        Limits {
            connect_deadline: self.connect_deadline.get(),
            call_deadline: self.call_deadline.get(),
            watch_idle: self.watch_idle.get(),
            answer_bytes: self.answer_limit_bytes,
        }
    }

    /// How long after a terminating run a stale run could still write: its deadline and that of its
    /// last call.
    pub(crate) fn second_look(&self) -> Duration {
        self.run_deadline.get() + self.call_deadline.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_life_outside_its_bounds_is_refused() {
        let read = |life: &str| {
            serde_json::from_value::<Config>(serde_json::json!({ "certificate_life": life }))
        };
        assert_eq!(read("1h").unwrap().certificate_life, Time::hours(1));
        for life in ["59m", "721h", "0s", "week"] {
            assert!(read(life).is_err(), "{life}");
        }
    }

    #[test]
    fn token_life_outside_its_bounds_is_refused() {
        let read = |life: &str| {
            serde_json::from_value::<Config>(serde_json::json!({ "token_life": life }))
        };
        assert_eq!(read("10m").unwrap().token_life, Time::seconds(600));
        for life in ["9m", "721h", "0s", "week"] {
            assert!(read(life).is_err(), "{life}");
        }
    }

    #[test]
    fn second_look_is_later_than_any_stale_run() {
        assert_eq!(Config::default().second_look(), Duration::from_secs(50));
    }
}
