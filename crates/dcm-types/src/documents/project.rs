//! Projects, and the descriptive members that every document of the REST contract has.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::key::{DocumentKind, Key};
use crate::name::ProjectName;
use crate::text::{Description, UserData};
use crate::uid::Uid;

/// Free text beside the name (`contract.md` 0.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `metadata.description`.
    pub description: Description,
    /// `metadata.userData1`.
    pub user_data1: UserData,
    /// `metadata.userData2`.
    pub user_data2: UserData,
}

/// Whether permissions may leave the namespaces of a project's logical clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privileged {
    /// They may.
    Allow,
    /// They may not.
    #[default]
    Refuse,
}

/// What the operator decided for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProjectPolicy {
    /// Privileged logical clouds.
    pub privileged: Privileged,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Made once, never reused.
    pub uid: Uid,
    /// Its name.
    pub name: ProjectName,
    /// Free text.
    pub metadata: Metadata,
    /// What its logical clouds may be.
    #[serde(default)]
    pub policy: ProjectPolicy,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Document for Project {
    const KIND: DocumentKind = DocumentKind::Project;

    fn key(&self) -> Key {
        Key::project(&self.name)
    }
}
