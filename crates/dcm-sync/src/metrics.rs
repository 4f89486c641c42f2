//! Metrics of the loop: runs and their outcome, how long they take, and keys that do not come to rest.
//! A label is a category of ours, never free text.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

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
}

/// Runs in a row without success after which a key counts as stuck.
const STUCK_AFTER: u32 = 10;

impl Default for Metrics {
    fn default() -> Self {
        Self {
            runs: Family::default(),
            // From 1 ms to about 32 s.
            duration: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            stuck: Gauge::default(),
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
        metrics
    }

    /// Notes a run: `attempts` failed before it, and `failure` is its category, if it failed.
    pub(crate) fn note(&self, took: Duration, attempts: u32, failure: Option<&'static str>) {
        let outcome = failure.unwrap_or("done");
        self.runs.get_or_create(&Outcome { outcome }).inc();
        self.duration.observe(took.as_secs_f64());
        match failure {
            Some(_) if attempts == STUCK_AFTER => {
                self.stuck.inc();
            }
            None if attempts > STUCK_AFTER => {
                self.stuck.dec();
            }
            Some(_) | None => {}
        }
    }
}
