//! Traces: spans of requests, runs and calls, sent to a collector by OTLP over HTTP. Off by default.
//!
//! A span holds names and times, never a body, a header or a credential.

use std::time::Duration;

use anyhow::{Context as _, bail};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{BatchConfigBuilder, Sampler, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// Path under which a collector takes spans (OTLP specification, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";
/// How long a collector may take for one batch, and for the rest at the end.
const DEADLINE: Duration = Duration::from_secs(3);
/// Spans that wait at most; more are dropped, so that a dead collector costs no memory.
const WAITING: usize = 4_096;
/// Our own code: only it makes spans.
const OURS: [&str; 8] = [
    "dcm",
    "dcm_api",
    "dcm_app",
    "dcm_ca",
    "dcm_rpc",
    "dcm_sync",
    "dcm_cluster",
    "dcm_store",
];

/// `[traces]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`. Empty, the
    /// default: no spans are made. A collector that is reached by HTTPS stands behind one beside us.
    pub endpoint: String,
    /// Share of the traces that are sent, from 0.0 to 1.0. Default 1.0.
    pub share: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            share: 1.0,
        }
    }
}

/// Sends spans as long as it lives.
pub struct Sender(SdkTracerProvider);

impl Sender {
    /// Sends what is left; a collector that does not take it in time is not waited for.
    pub async fn send_the_rest(self) {
        // It blocks until the collector has answered.
        let ending = tokio::task::spawn_blocking(move || self.0.shutdown());
        match tokio::time::timeout(DEADLINE, ending).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::debug!(%error, "the last spans were not sent"),
            Ok(Err(_)) | Err(_) => tracing::debug!("the last spans were not sent in time"),
        }
    }
}

/// The layer that makes spans; `None`: nobody wants them.
pub(crate) fn layer<S>(config: &Config) -> anyhow::Result<Option<(impl Layer<S> + use<S>, Sender)>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    if config.endpoint.is_empty() {
        return Ok(None);
    }
    let provider = provider(config)?;
    let tracer = provider.tracer("dcm");
    let ours = OURS.map(|target| (target, LevelFilter::DEBUG));
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(Targets::new().with_targets(ours));
    Ok(Some((layer, Sender(provider))))
}

fn provider(config: &Config) -> anyhow::Result<SdkTracerProvider> {
    if !(0.0..=1.0).contains(&config.share) {
        bail!(
            "traces.share must lie between 0.0 and 1.0, got {}",
            config.share
        );
    }
    if !config.endpoint.starts_with("http://") {
        bail!(
            "traces.endpoint must begin with http://, got '{}'",
            config.endpoint
        );
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}{PATH}", config.endpoint.trim_end_matches('/')))
        .with_timeout(DEADLINE)
        .build()
        .context("make the sender of traces")?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(WAITING)
        .with_scheduled_delay(Duration::from_secs(1))
        .build();
    let processor = BatchSpanProcessor::builder(exporter, Tokio)
        .with_batch_config(batches)
        .build();
    let resource = Resource::builder_empty()
        .with_service_name("dcm")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.share)));
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}
