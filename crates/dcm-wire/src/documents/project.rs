//! Projects and cluster providers: documents without a `spec`.

use serde::{Deserialize, Serialize};

use dcm_types::documents::{ClusterProvider, Project};
use dcm_types::drafts::{ProjectDraft, ProviderDraft};
use dcm_types::{ProjectName, ProviderName};

use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A project (a tenant).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
}

impl ProjectDocument {
    /// The document of a stored project.
    pub fn of(project: &Project) -> Self {
        Self {
            metadata: MetadataDocument::of(project.name.as_str(), &project.metadata),
        }
    }
}

/// A cluster provider: a group of clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProviderDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
}

impl ProviderDocument {
    /// The document of a stored provider.
    pub fn of(provider: &ClusterProvider) -> Self {
        Self {
            metadata: MetadataDocument::of(provider.name.as_str(), &provider.metadata),
        }
    }
}

const DOCUMENT: &[Member] = &[member("metadata")];

/// Reads a project.
pub fn read_project(
    body: &[u8],
    path_name: Option<&ProjectName>,
    validation: FieldValidation,
) -> Result<Decoded<ProjectDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let (name, metadata) = read_metadata(&body, path_name, ProjectName::parse)?;
        Some(ProjectDraft { name, metadata })
    })
}

/// Reads a cluster provider.
pub fn read_provider(
    body: &[u8],
    path_name: Option<&ProviderName>,
    validation: FieldValidation,
) -> Result<Decoded<ProviderDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let (name, metadata) = read_metadata(&body, path_name, ProviderName::parse)?;
        Some(ProviderDraft { name, metadata })
    })
}
