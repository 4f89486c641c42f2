//! What a member was seen to have. A rotation goes on by evidence only, never because something was sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bundle::BundleVersion;
use crate::key::TargetKey;
use crate::uid::Uid;

/// How far a bundle got in a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceStage {
    /// The Secret was read back with this content.
    Written,
    /// The control plane uses it: the `ConfigMap` of anchors that it keeps in the cloud's namespace shows the
    /// set, and a probe, where it can be reached, was signed by the intermediate.
    Loaded,
    /// Leaves that were signed before it was loaded have ended. Never reported: it follows from the time
    /// since `Loaded`.
    Aged,
}

/// A bundle was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which one.
    pub version: BundleVersion,
    /// When the report came, by the clock of the CA controller.
    pub at: Timestamp,
}

/// A report about a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which edge.
    pub target: TargetKey,
    /// Uid of the logical cloud, as it stood in the bundle.
    pub cloud_uid: Uid,
    /// Which bundle was seen there.
    pub version: BundleVersion,
    /// [`EvidenceStage::Written`] or [`EvidenceStage::Loaded`]; what is loaded is written too.
    pub stage: EvidenceStage,
}
