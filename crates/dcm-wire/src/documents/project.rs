//! Projects, with what their logical clouds may be, and cluster providers.

use serde::{Deserialize, Serialize};

use dcm_types::documents::{ClusterProvider, Privileged, Project, ProjectPolicy};
use dcm_types::drafts::{ProjectDraft, ProviderDraft};
use dcm_types::{ProjectName, ProviderName, Violation};

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
    /// What its logical clouds may be; absent when nothing is allowed that is refused by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<ProjectSpec>,
}

/// What the logical clouds of a project may be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectSpec {
    /// What the operator decided.
    #[serde(default)]
    pub policy: PolicySpec,
}

/// What the operator decided for a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicySpec {
    /// Whether permissions may leave the namespaces of its logical clouds: `allow`, or `refuse`, also when
    /// it is left out.
    #[serde(default)]
    pub privileged: String,
}

impl ProjectDocument {
    /// The document of a stored project.
    pub fn of(project: &Project) -> Self {
        Self {
            metadata: MetadataDocument::of(project.name.as_str(), &project.metadata),
            spec: (project.policy != ProjectPolicy::default()).then(|| ProjectSpec {
                policy: PolicySpec {
                    privileged: show_privileged(project.policy.privileged).to_owned(),
                },
            }),
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

const PROJECT: &[Member] = &[member("metadata"), member("spec")];
const SPEC: &[Member] = &[member("policy")];
const POLICY: &[Member] = &[member("privileged")];
const PROVIDER: &[Member] = &[member("metadata")];

/// Reads a project.
pub fn read_project(
    body: &[u8],
    path_name: Option<&ProjectName>,
    validation: FieldValidation,
) -> Result<Decoded<ProjectDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, PROJECT, report)?;
        let named = read_metadata(&body, path_name, ProjectName::parse);
        let policy = body.object("spec", SPEC)?.object("policy", POLICY)?;
        let privileged = policy.parsed("privileged", parse_privileged);
        let (name, metadata) = named?;
        Some(ProjectDraft {
            name,
            metadata,
            policy: ProjectPolicy {
                privileged: privileged.unwrap_or_default(),
            },
        })
    })
}

fn show_privileged(privileged: Privileged) -> &'static str {
    match privileged {
        Privileged::Allow => "allow",
        Privileged::Refuse => "refuse",
    }
}

fn parse_privileged(text: &str) -> Result<Privileged, Violation> {
    match text {
        "allow" => Ok(Privileged::Allow),
        "refuse" => Ok(Privileged::Refuse),
        _ => Err(Violation::new("must be allow or refuse", text)),
    }
}

/// Reads a cluster provider.
pub fn read_provider(
    body: &[u8],
    path_name: Option<&ProviderName>,
    validation: FieldValidation,
) -> Result<Decoded<ProviderDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, PROVIDER, report)?;
        let (name, metadata) = read_metadata(&body, path_name, ProviderName::parse)?;
        Some(ProviderDraft { name, metadata })
    })
}
