//! Cluster providers and registered clusters.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::documents::Metadata;
use crate::key::{ClusterKey, DocumentKind, Key};
use crate::name::{ClusterLabelName, ProviderName};
use crate::sealed::Sealed;
use crate::text::GitOpsText;
use crate::uid::Uid;

/// A group of clusters, for example one data centre or one operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterProvider {
    /// Made once, never reused.
    pub uid: Uid,
    /// Its name.
    pub name: ProviderName,
    /// Free text.
    pub metadata: Metadata,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Document for ClusterProvider {
    const KIND: DocumentKind = DocumentKind::ClusterProvider;

    fn key(&self) -> Key {
        Key::provider(&self.name)
    }
}

/// A registered cluster. Its administrator's credential is write-only: no call returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Made once, never reused; part of the associated data of the sealed credential.
    pub uid: Uid,
    /// Provider and name.
    pub key: ClusterKey,
    /// Free text.
    pub metadata: Metadata,
    /// Address of the API server, `https://host:port`, from the uploaded kubeconfig; empty for a
    /// `GitOps` cluster, which has none.
    pub server: String,
    /// The administrator's credential: the JSON of `dcm_pki::kubeconfig::AdminCredential`, sealed for
    /// [`crate::sealed::Purpose::ClusterCredential`], field `credential`, at `credential_epoch`;
    /// empty for a `GitOps` cluster.
    pub credential: Sealed,
    /// Grows by one each time the credential is replaced.
    pub credential_epoch: u64,
    /// How the cluster is reached through a repository, if it is.
    #[serde(default)]
    pub git_ops: GitOps,
    /// How tenants reach the API server, when not as the administrator does.
    #[serde(default)]
    pub public: PublicAccess,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Document for Cluster {
    const KIND: DocumentKind = DocumentKind::Cluster;

    fn key(&self) -> Key {
        Key::cluster(&self.key)
    }
}

/// How a cluster is reached through a repository. Kept for clients: nothing is written to such a
/// cluster. An ordinary cluster has no type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitOps {
    /// `fluxcd`, `azureArcV2`, `anthos`, or whatever else; empty for an ordinary cluster.
    pub kind: GitOpsText,
    /// Synchronisation object with the repository and its credential.
    pub reference_object: GitOpsText,
    /// Synchronisation object with intervals.
    pub resource_object: GitOpsText,
}

impl GitOps {
    /// Whether the cluster is reached through a repository and not directly.
    pub fn is_used(&self) -> bool {
        !self.kind.as_str().is_empty()
    }
}

/// How tenants reach an API server; joined to their kubeconfigs when they are fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccess {
    /// Address for tenants, `https://host:port`.
    pub address: Option<String>,
    /// The authorities by which that address is authenticated, PEM.
    pub certificate_authority: Option<String>,
}

/// A label of a cluster. It has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterLabel {
    /// The cluster.
    pub cluster: ClusterKey,
    /// The label.
    pub label: ClusterLabelName,
}

impl Document for ClusterLabel {
    const KIND: DocumentKind = DocumentKind::ClusterLabel;

    fn key(&self) -> Key {
        Key::cluster_label(&self.cluster, &self.label)
    }
}
