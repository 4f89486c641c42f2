//! The seams between parts: async traits with serialisable types, so that gRPC can stand between.

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, Kind};
use crate::key::{CloudKey, ClusterKey, TargetKey};
use crate::report::SyncReport;

/// Says that there is work; carries no data. A lost nudge costs latency, never correctness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nudge {
    /// A logical cloud has a new wanted generation.
    Cloud(CloudKey),
    /// A cluster was registered, changed or removed.
    Cluster(ClusterKey),
}

/// A hint that the status of a target changed; the status itself is read from the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// Which target.
    pub target: TargetKey,
    /// Its applied generation.
    pub applied_generation: Option<u64>,
}

/// Why a call to another part failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct PortError {
    /// The kind.
    pub kind: Kind,
    /// What happened, without secrets.
    pub message: String,
    /// Which fields of the input break which rules; only for [`Kind::Invalid`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

impl PortError {
    /// A failure of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            faults: Vec::new(),
        }
    }

    /// Names the fields that are at fault.
    #[must_use]
    pub fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }
}

/// What callers see of the synchronizer.
#[async_trait]
pub trait Synchronizer: Send + Sync + 'static {
    /// Tells it that there is work.
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError>;

    /// What it says of itself.
    async fn report(&self) -> Result<SyncReport, PortError> {
        let message = "this synchronizer gives no report";
        Err(PortError::new(Kind::Unavailable, message))
    }

    /// Hints about status changes from now on. A slow reader may miss some.
    fn status_changes(&self) -> BoxStream<'static, StatusChange>;
}

/// Wall-clock time. Loops take it as an argument, so that they can run in virtual time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness of cryptographic quality.
pub trait Randomness: Send + Sync + 'static {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// A new uid.
    fn uid(&self) -> crate::uid::Uid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        crate::uid::Uid::from_random(bytes)
    }

    /// A factor by which many who wait for the same time are spread: from one half to one.
    fn jitter(&self) -> f64 {
        let mut bytes = [0; 2];
        self.fill(&mut bytes);
        0.5 + f64::from(u16::from_le_bytes(bytes)) / (2.0 * f64::from(u16::MAX))
    }
}
