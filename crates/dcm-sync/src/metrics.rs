//! Metrics of the loop: runs and their outcome, how long they take, and keys that do not come to rest.
//! A label is a category of ours, never free text.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::reports::STUCK_AFTER;
use crate::subject::Subject;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Counts and times of the synchronizer. Cheap to clone; clones share the values.
#[derive(Debug, Clone)]
pub struct Metrics {
    runs: Family<Outcome, Counter>,
    duration: Histogram,
    stuck: Gauge,
    waiting: Gauge,
    /// Failures in a row, by key; a key that succeeded has none.
    failing: Arc<Mutex<HashMap<Subject, u32>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            runs: Family::default(),
            // From 1 ms to about 32 s.
            duration: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            stuck: Gauge::default(),
            waiting: Gauge::default(),
            failing: Arc::default(),
        }
    }
}

impl Metrics {
    /// Registers the metrics of this crate.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("dcm_sync");
        registry.register(
            "runs",
            "Runs over one logical cloud in one cluster, by outcome",
            metrics.runs.clone(),
        );
        registry.register(
            "run_duration_seconds",
            "Time of a run",
            metrics.duration.clone(),
        );
        registry.register(
            "stuck_keys",
            "Logical clouds in a cluster that failed more than ten times in a row",
            metrics.stuck.clone(),
        );
        registry.register(
            "waiting_members",
            "Clusters that do not answer, and to which nothing is sent but probes",
            metrics.waiting.clone(),
        );
        metrics
    }

    /// Notes how many members are waited for.
    pub(crate) fn waiting(&self, members: usize) {
        self.waiting.set(i64::try_from(members).unwrap_or(i64::MAX));
    }

    /// Notes a run, and its category if it failed.
    pub(crate) fn note(&self, key: &Subject, took: Duration, failure: Option<&'static str>) {
        let outcome = failure.unwrap_or("done");
        self.runs.get_or_create(&Outcome { outcome }).inc();
        self.duration.observe(took.as_secs_f64());
        let mut failing = self.failing.lock();
        if failure.is_some() {
            let failures = failing.entry(key.clone()).or_default();
            *failures = failures.saturating_add(1);
        } else {
            failing.remove(key);
        }
        let stuck = failing
            .values()
            .filter(|failures| **failures > STUCK_AFTER)
            .count();
        self.stuck.set(i64::try_from(stuck).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::{
        CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey,
    };

    use super::*;

    fn key(cloud: &str) -> Subject {
        Subject::Target(TargetKey {
            cloud: CloudKey {
                project: ProjectName::parse("shop").unwrap(),
                cloud: CloudName::parse(cloud).unwrap(),
            },
            cluster: ClusterKey {
                provider: ProviderName::parse("site").unwrap(),
                cluster: ClusterName::parse("edge").unwrap(),
            },
        })
    }

    #[test]
    fn key_is_stuck_after_ten_failures_in_a_row_and_not_after_a_success() {
        let metrics = Metrics::default();
        for _ in 0..10 {
            metrics.note(&key("one"), Duration::ZERO, Some("unreachable"));
        }
        assert_eq!(metrics.stuck.get(), 0);
        metrics.note(&key("one"), Duration::ZERO, Some("unreachable"));
        metrics.note(&key("two"), Duration::ZERO, None);
        assert_eq!(metrics.stuck.get(), 1);
        metrics.note(&key("one"), Duration::ZERO, None);
        assert_eq!(metrics.stuck.get(), 0);
    }
}
