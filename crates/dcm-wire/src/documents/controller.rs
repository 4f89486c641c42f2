//! Controllers, of the orchestrator and of the cluster manager: stored and served for compatibility.

use serde::{Deserialize, Serialize};

use dcm_types::documents::Controller;
use dcm_types::drafts::ControllerDraft;
use dcm_types::text::{ControllerHost, ControllerType};
use dcm_types::{ControllerName, Violation};

use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// Largest port that clients of this document know.
const PORT_LIMIT: u16 = 50_000;
/// Largest priority.
const PRIORITY_LIMIT: u8 = 100;

/// A controller of the orchestrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ControllerDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// Where it is, and what it does.
    pub spec: ControllerSpec,
}

/// Where a controller is, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ControllerSpec {
    /// Host, at most 128 characters.
    #[serde(default)]
    pub host: String,
    /// Port, 0 to 50000.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 50000))]
    pub port: u16,
    /// Type, at most 48 characters, for example `action` or `placement`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Priority, 0 to 100.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub priority: u8,
}

impl ControllerDocument {
    /// The document of a stored controller.
    pub fn of(controller: &Controller) -> Self {
        Self {
            metadata: MetadataDocument::of(controller.name.as_str(), &controller.metadata),
            spec: ControllerSpec {
                host: controller.host.as_str().to_owned(),
                port: controller.port,
                kind: controller.kind.as_str().to_owned(),
                priority: controller.priority,
            },
        }
    }
}

/// A controller of the cluster manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterManagerControllerDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// Where it is.
    pub spec: ClusterManagerControllerSpec,
}

/// Where a controller of the cluster manager is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterManagerControllerSpec {
    /// Host, 1 to 128 characters.
    pub host: String,
    /// Port, 1 to 50000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 50000))]
    pub port: u16,
    /// Priority, 0 to 100; left out when it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub priority: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

impl ClusterManagerControllerDocument {
    /// The document of a stored controller.
    pub fn of(controller: &Controller) -> Self {
        Self {
            metadata: MetadataDocument::of(controller.name.as_str(), &controller.metadata),
            spec: ClusterManagerControllerSpec {
                host: controller.host.as_str().to_owned(),
                port: controller.port,
                priority: controller.priority,
            },
        }
    }
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec")];
const SPEC: &[Member] = &[
    member("host"),
    member("port"),
    member("type"),
    member("priority"),
];
const MANAGER_SPEC: &[Member] = &[member("host"), member("port"), member("priority")];

/// Reads a controller of the orchestrator; every member of `spec` may be missing.
pub fn read_controller(
    body: &[u8],
    path_name: Option<&ControllerName>,
    validation: FieldValidation,
) -> Result<Decoded<ControllerDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, ControllerName::parse);
        let spec = body.object("spec", SPEC)?;
        let host = spec.parsed("host", ControllerHost::parse);
        let kind = spec.parsed("type", ControllerType::parse);
        draft(named, &spec, host.unwrap_or_default(), kind, 0)
    })
}

/// Reads a controller of the cluster manager; host and port must be there.
pub fn read_cluster_manager_controller(
    body: &[u8],
    path_name: Option<&ControllerName>,
    validation: FieldValidation,
) -> Result<Decoded<ControllerDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, ControllerName::parse);
        let spec = body.object("spec", MANAGER_SPEC)?;
        let host = spec.required("host", |text| {
            if text.trim().is_empty() {
                return Err(Violation::new("must not be empty", text));
            }
            ControllerHost::parse(text)
        });
        if !spec.has("port") {
            report.invalid(Violation::hidden("is required").at(spec.path_of("port")));
        }
        draft(named, &spec, host.unwrap_or_default(), None, 1)
    })
}

fn draft(
    named: Option<(ControllerName, dcm_types::documents::Metadata)>,
    spec: &Object<'_>,
    host: ControllerHost,
    kind: Option<ControllerType>,
    least_port: u64,
) -> Option<ControllerDraft> {
    let port = spec.integer("port", least_port, PORT_LIMIT.into());
    let priority = spec.integer("priority", 0, PRIORITY_LIMIT.into());
    let (name, metadata) = named?;
    Some(ControllerDraft {
        name,
        metadata,
        host,
        port: port
            .and_then(|port| port.try_into().ok())
            .unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        priority: priority.and_then(|p| p.try_into().ok()).unwrap_or_default(),
    })
}
