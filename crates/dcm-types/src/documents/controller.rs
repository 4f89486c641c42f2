//! Controllers of the later system: stored and served for its clients. Nothing of ours dials them.

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::documents::Metadata;
use crate::key::{DocumentKind, Key};
use crate::name::ControllerName;
use crate::text::{ControllerHost, ControllerType};
use crate::uid::Uid;

/// Where a controller is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerGroup {
    /// With the orchestrator.
    Orchestrator,
    /// With the cluster manager.
    ClusterManager,
}

impl ControllerGroup {
    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::ClusterManager => "cluster-manager",
        }
    }
}

/// A controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// Made once, never reused.
    pub uid: Uid,
    /// Where it is registered.
    pub group: ControllerGroup,
    /// Its name within the group.
    pub name: ControllerName,
    /// Free text.
    pub metadata: Metadata,
    /// Where it listens.
    pub host: ControllerHost,
    /// On which port.
    pub port: u16,
    /// What it does; empty in a group that has no types.
    pub kind: ControllerType,
    /// Its order among others.
    pub priority: u8,
}

impl Document for Controller {
    const KIND: DocumentKind = DocumentKind::Controller;

    fn key(&self) -> Key {
        Key::controller(self.group, &self.name)
    }
}
