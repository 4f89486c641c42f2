//! Registered clusters. The administrator's kubeconfig goes in and never comes out.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use dcm_types::documents::{Cluster, ClusterHealth};
use dcm_types::drafts::ClusterDraft;
use dcm_types::{ClusterName, Violation};

use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};
use crate::views::ClusterHealthView;

/// Largest kubeconfig that is taken, in bytes (T33).
pub const KUBECONFIG_LIMIT: usize = 256 * 1024;

/// A registered cluster, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// What is known of it from its kubeconfig.
    pub spec: ClusterSpec,
    /// What the last check found.
    pub status: ClusterHealthView,
}

/// What is known of a cluster from its kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterSpec {
    /// Address of its API server.
    pub server: String,
}

impl ClusterDocument {
    /// The document of a stored cluster, joined with its last check.
    pub fn of(cluster: &Cluster, health: Option<&ClusterHealth>) -> Self {
        let current = health.filter(|health| health.credential_epoch == cluster.credential_epoch);
        Self {
            metadata: MetadataDocument::of(cluster.key.cluster.as_str(), &cluster.metadata),
            spec: ClusterSpec {
                server: cluster.server.clone(),
            },
            status: current.map_or_else(ClusterHealthView::unchecked, ClusterHealthView::of),
        }
    }
}

/// A cluster to register or to change.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateCluster {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// The credential.
    pub spec: CreateClusterSpec,
}

/// The credential of a cluster to register. Its `Debug` shows nothing of it.
#[derive(Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateClusterSpec {
    /// The administrator's kubeconfig as text, at most 256 KiB; never returned. A PUT without it
    /// keeps the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub kubeconfig: Option<String>,
}

impl fmt::Debug for CreateClusterSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CreateClusterSpec { .. }")
    }
}

// `status` and `spec.server` are known so that what was read can be written back.
const DOCUMENT: &[Member] = &[member("metadata"), member("spec"), member("status")];
const SPEC: &[Member] = &[member("kubeconfig"), member("server")];

/// Reads a cluster. The kubeconfig may be missing only where the path names an existing cluster;
/// whether there is one is decided where it is known.
pub fn read_cluster(
    body: &[u8],
    path_name: Option<&ClusterName>,
    validation: FieldValidation,
) -> Result<Decoded<ClusterDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, ClusterName::parse);
        let spec = body.object("spec", SPEC)?;
        let given = path_name.is_none() || spec.has("kubeconfig");
        let kubeconfig = given.then(|| spec.required("kubeconfig", parse_kubeconfig));
        let (name, metadata) = named?;
        Some(ClusterDraft {
            name,
            metadata,
            kubeconfig: kubeconfig.flatten(),
        })
    })
}

fn parse_kubeconfig(text: &str) -> Result<SecretString, Violation> {
    if text.trim().is_empty() {
        return Err(Violation::hidden("must not be empty"));
    }
    if text.len() > KUBECONFIG_LIMIT {
        return Err(Violation::hidden("must be at most 256 KiB"));
    }
    Ok(SecretString::from(text))
}
