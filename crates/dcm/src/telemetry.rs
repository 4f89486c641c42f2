//! Logs: for people, or as JSON for machines; always to standard error.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::traces;

/// `[log]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is logged: error, warn, info, debug or trace, also per part, as in
    /// `info,dcm_sync=debug`. Default "info".
    pub level: String,
    /// "text" for people, "json" for machines: one object per line. Default "text".
    pub format: Format,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: Format::Text,
        }
    }
}

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For people; with colours on a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

/// Begins to log, and to make spans if somebody wants them. They are sent until the answer is dropped.
pub fn start(log: &Config, traces: &traces::Config) -> anyhow::Result<Option<traces::Sender>> {
    let filter = EnvFilter::try_new(&log.level)
        .with_context(|| format!("understand log.level '{}'", log.level))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match log.format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let (spans, sender) = traces::layer(traces)?.unzip();
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(|error| anyhow::anyhow!("start the log: {error}"))?;
    Ok(sender)
}
