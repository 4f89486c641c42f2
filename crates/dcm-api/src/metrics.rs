//! HTTP metrics, by route template: a label never holds what a caller chose.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    method: &'static str,
    route: String,
    status: u16,
}

/// Counts and times of requests. Cheap to clone; clones share the values.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: Family<Outcome, Counter>,
    duration: Family<Operation, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

/// From 0.5 ms to about 16 s; waits for a status are longer, and all above.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

impl HttpMetrics {
    /// Registers the metrics of this crate.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(buckets),
            in_flight: Gauge::default(),
        };
        let registry = registry.sub_registry_with_prefix("dcm_http");
        registry.register("requests", "Answered requests", metrics.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from the head of a request to its answer",
            metrics.duration.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that are not answered yet",
            metrics.in_flight.clone(),
        );
        metrics
    }

    /// Counts a request as in flight until the value is dropped, also when its future is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts an answer.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: &str,
        status: StatusCode,
        duration: Duration,
    ) {
        let method = method_label(method);
        self.requests
            .get_or_create(&Outcome {
                method,
                route: route.to_owned(),
                status: status.as_u16(),
            })
            .inc();
        self.duration
            .get_or_create(&Operation {
                method,
                route: route.to_owned(),
            })
            .observe(duration.as_secs_f64());
    }
}

/// A request in flight.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
