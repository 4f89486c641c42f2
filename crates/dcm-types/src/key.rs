//! Keys of stored documents: a kind, and a path of names from the outermost parent inwards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::documents::{ControllerGroup, ManifestDigest};
use crate::name::{
    CloudKvName, CloudName, ClusterKvName, ClusterLabelName, ClusterName, ControllerName,
    NamespaceName, PermissionName, ProjectName, ProviderName, QuotaName, ReferenceName,
    SyncObjectName, UserName,
};
use crate::uid::Uid;

/// The kinds of documents. Kinds that users write and kinds that the synchronizer writes are
/// different, so that a renewal or a status never changes the version of what the user wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    // Written by use cases on behalf of a user.
    Project,
    ClusterProvider,
    Cluster,
    LogicalCloud,
    User,
    Namespace,
    ClusterReference,
    Quota,
    UserPermission,
    Lifecycle,
    Revision,
    Reservation,
    Audit,
    Controller,
    ClusterLabel,
    ClusterKv,
    ClusterSyncObject,
    LogicalCloudKv,
    KeptAnswer,
    // Written by background steps.
    AuditLink,
    ServiceMesh,
    MeshManifest,
    Target,
    QuotaUsage,
    Access,
    ClusterHealth,
    ClusterIdentity,
    Tombstone,
    // Written by the CA controller.
    CaAuthority,
    CaEdge,
    CaEvent,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 31] = [
        Self::Project,
        Self::ClusterProvider,
        Self::Cluster,
        Self::LogicalCloud,
        Self::User,
        Self::Namespace,
        Self::ClusterReference,
        Self::Quota,
        Self::UserPermission,
        Self::Lifecycle,
        Self::Revision,
        Self::Reservation,
        Self::Audit,
        Self::Controller,
        Self::ClusterLabel,
        Self::ClusterKv,
        Self::ClusterSyncObject,
        Self::LogicalCloudKv,
        Self::KeptAnswer,
        Self::AuditLink,
        Self::ServiceMesh,
        Self::MeshManifest,
        Self::Target,
        Self::QuotaUsage,
        Self::Access,
        Self::ClusterHealth,
        Self::ClusterIdentity,
        Self::Tombstone,
        Self::CaAuthority,
        Self::CaEdge,
        Self::CaEvent,
    ];

    /// Stable text form, used in the store and in sealed headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::ClusterProvider => "cluster-provider",
            Self::Cluster => "cluster",
            Self::LogicalCloud => "logical-cloud",
            Self::User => "user",
            Self::Namespace => "namespace",
            Self::ClusterReference => "cluster-reference",
            Self::Quota => "quota",
            Self::UserPermission => "user-permission",
            Self::Lifecycle => "lifecycle",
            Self::Revision => "revision",
            Self::Reservation => "reservation",
            Self::Audit => "audit",
            Self::Controller => "controller",
            Self::ClusterLabel => "cluster-label",
            Self::ClusterKv => "cluster-kv",
            Self::ClusterSyncObject => "cluster-sync-object",
            Self::LogicalCloudKv => "logical-cloud-kv",
            Self::KeptAnswer => "kept-answer",
            Self::AuditLink => "audit-link",
            Self::ServiceMesh => "service-mesh",
            Self::MeshManifest => "mesh-manifest",
            Self::Target => "target",
            Self::QuotaUsage => "quota-usage",
            Self::Access => "access",
            Self::ClusterHealth => "cluster-health",
            Self::ClusterIdentity => "cluster-identity",
            Self::Tombstone => "tombstone",
            Self::CaAuthority => "ca-authority",
            Self::CaEdge => "ca-edge",
            Self::CaEvent => "ca-event",
        }
    }

    /// The kind of a text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The key of a document. Its path joins validated names by `/`, which no name contains; a key whose
/// path begins with another's path plus `/` is its descendant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    kind: DocumentKind,
    path: String,
}

impl Key {
    /// Rebuilds a key that a store wrote earlier.
    pub fn from_stored(kind: DocumentKind, path: String) -> Self {
        Self { kind, path }
    }

    fn of(kind: DocumentKind, parts: &[&str]) -> Self {
        Self {
            kind,
            path: parts.join("/"),
        }
    }

    /// The kind.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The path, parts joined by `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `project`.
    pub fn project(project: &ProjectName) -> Self {
        Self::of(DocumentKind::Project, &[project.as_str()])
    }

    /// `provider`.
    pub fn provider(provider: &ProviderName) -> Self {
        Self::of(DocumentKind::ClusterProvider, &[provider.as_str()])
    }

    /// `provider/cluster`, for the kinds that describe a cluster.
    pub fn of_cluster(kind: DocumentKind, cluster: &ClusterKey) -> Self {
        Self::of(kind, &[cluster.provider.as_str(), cluster.cluster.as_str()])
    }

    /// `provider/cluster` of the cluster document itself.
    pub fn cluster(cluster: &ClusterKey) -> Self {
        Self::of_cluster(DocumentKind::Cluster, cluster)
    }

    /// `group/controller`.
    pub fn controller(group: ControllerGroup, name: &ControllerName) -> Self {
        Self::of(DocumentKind::Controller, &[group.as_str(), name.as_str()])
    }

    /// `provider/cluster/label`.
    pub fn cluster_label(cluster: &ClusterKey, label: &ClusterLabelName) -> Self {
        let path = format!("{cluster}/{label}");
        Self::from_stored(DocumentKind::ClusterLabel, path)
    }

    /// `provider/cluster/kv`.
    pub fn cluster_kv(cluster: &ClusterKey, kv: &ClusterKvName) -> Self {
        Self::from_stored(DocumentKind::ClusterKv, format!("{cluster}/{kv}"))
    }

    /// `provider/object`.
    pub fn sync_object(provider: &ProviderName, object: &SyncObjectName) -> Self {
        let parts = [provider.as_str(), object.as_str()];
        Self::of(DocumentKind::ClusterSyncObject, &parts)
    }

    /// The `kube-system` UID that a cluster showed at first contact.
    pub fn cluster_identity(identity: &str) -> Self {
        Self::of(DocumentKind::ClusterIdentity, &[identity])
    }

    /// `project/cloud`, for the kinds of which a logical cloud has one: itself, namespace, lifecycle.
    pub fn of_cloud(kind: DocumentKind, cloud: &CloudKey) -> Self {
        Self::of(kind, &[cloud.project.as_str(), cloud.cloud.as_str()])
    }

    /// `project/cloud` of the logical cloud itself.
    pub fn cloud(cloud: &CloudKey) -> Self {
        Self::of_cloud(DocumentKind::LogicalCloud, cloud)
    }

    /// `project/cloud/user`.
    pub fn user(cloud: &CloudKey, user: &UserName) -> Self {
        Self::child(DocumentKind::User, cloud, user.as_str())
    }

    /// `project/cloud/reference`.
    pub fn reference(cloud: &CloudKey, reference: &ReferenceName) -> Self {
        Self::child(DocumentKind::ClusterReference, cloud, reference.as_str())
    }

    /// `project/cloud/quota`.
    pub fn quota(cloud: &CloudKey, quota: &QuotaName) -> Self {
        Self::child(DocumentKind::Quota, cloud, quota.as_str())
    }

    /// `project/cloud/permission`.
    pub fn permission(cloud: &CloudKey, permission: &PermissionName) -> Self {
        Self::child(DocumentKind::UserPermission, cloud, permission.as_str())
    }

    /// `project/cloud/kv`.
    pub fn cloud_kv(cloud: &CloudKey, kv: &CloudKvName) -> Self {
        Self::child(DocumentKind::LogicalCloudKv, cloud, kv.as_str())
    }

    /// `cloud uid/generation`, zero-padded so that paths sort by generation.
    pub fn revision(cloud: Uid, generation: u64) -> Self {
        Self::of(
            DocumentKind::Revision,
            &[&cloud.to_string(), &format!("{generation:020}")],
        )
    }

    /// `project/cloud/provider/cluster`.
    pub fn target(target: &TargetKey) -> Self {
        Self {
            kind: DocumentKind::Target,
            path: target.path(),
        }
    }

    /// `project/cloud/provider/cluster`, like its target.
    pub fn quota_usage(target: &TargetKey) -> Self {
        Self {
            kind: DocumentKind::QuotaUsage,
            path: target.path(),
        }
    }

    /// `project/cloud/provider/cluster`, like its target.
    pub fn service_mesh(target: &TargetKey) -> Self {
        Self {
            kind: DocumentKind::ServiceMesh,
            path: target.path(),
        }
    }

    /// `cloud uid/digest`.
    pub fn mesh_manifest(cloud: Uid, digest: &ManifestDigest) -> Self {
        let parts = [&cloud.to_string(), digest.as_str()];
        Self::of(DocumentKind::MeshManifest, &parts)
    }

    /// `project/cloud/provider/cluster/user`.
    pub fn access(target: &TargetKey, user: &UserName) -> Self {
        Self {
            kind: DocumentKind::Access,
            path: format!("{}/{user}", target.path()),
        }
    }

    /// `provider/cluster/namespace`: whoever holds it owns that namespace on that cluster. The
    /// registered name stands for the cluster's identity: [`DocumentKind::ClusterIdentity`] ties each
    /// identity to one registered name, and nothing is written to a cluster that does not hold its own.
    pub fn reservation(cluster: &ClusterKey, namespace: &NamespaceName) -> Self {
        Self::of(
            DocumentKind::Reservation,
            &[
                cluster.provider.as_str(),
                cluster.cluster.as_str(),
                namespace.as_str(),
            ],
        )
    }

    /// `id`.
    pub fn tombstone(id: Uid) -> Self {
        Self::from_stored(DocumentKind::Tombstone, id.to_string())
    }

    /// `scope/id`: the scope is a project, or [`Key::SYSTEM_SCOPE`]; ids sort by time.
    pub fn audit(scope: &str, id: &str) -> Self {
        Self::of(DocumentKind::Audit, &[scope, id])
    }

    /// `principal/key`, both as hashes: neither has a grammar that fits a path.
    pub fn kept_answer(principal: &str, key: &str) -> Self {
        Self::of(DocumentKind::KeptAnswer, &[principal, key])
    }

    /// `scope/sequence`, zero-padded.
    pub fn audit_link(scope: &str, sequence: u64) -> Self {
        Self::of(
            DocumentKind::AuditLink,
            &[scope, &format!("{sequence:020}")],
        )
    }

    /// The authority of the organisation.
    pub fn ca_organization() -> Self {
        Self::of(DocumentKind::CaAuthority, &["organization"])
    }

    /// `cloud uid`.
    pub fn ca_authority(cloud: Uid) -> Self {
        Self::from_stored(DocumentKind::CaAuthority, cloud.to_string())
    }

    /// `cloud uid/provider/cluster`.
    pub fn ca_edge(cloud: Uid, cluster: &ClusterKey) -> Self {
        Self::from_stored(DocumentKind::CaEdge, format!("{cloud}/{cluster}"))
    }

    /// `chain/sequence`, zero-padded; a chain is `project/cloud/uid` or `~system/organization/uid`.
    pub fn ca_event(chain: &str, sequence: u64) -> Self {
        Self::of(DocumentKind::CaEvent, &[chain, &format!("{sequence:020}")])
    }

    /// Audit scope of what belongs to no project; no project can have this name.
    pub const SYSTEM_SCOPE: &'static str = "~system";

    fn child(kind: DocumentKind, cloud: &CloudKey, name: &str) -> Self {
        Self::of(kind, &[cloud.project.as_str(), cloud.cloud.as_str(), name])
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind.as_str(), self.path)
    }
}

/// Names a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterKey {
    /// Its provider.
    pub provider: ProviderName,
    /// Its name within the provider.
    pub cluster: ClusterName,
}

impl ClusterKey {
    /// `provider/cluster`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.provider, self.cluster)
    }
}

impl fmt::Display for ClusterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.provider, self.cluster)
    }
}

/// Names a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CloudKey {
    /// Its project.
    pub project: ProjectName,
    /// Its name within the project.
    pub cloud: CloudName,
}

impl CloudKey {
    /// `project/cloud`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.project, self.cloud)
    }
}

impl fmt::Display for CloudKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.project, self.cloud)
    }
}

/// The key of a reconcile: one logical cloud in one cluster. Its order and hash are by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetKey {
    /// The logical cloud.
    pub cloud: CloudKey,
    /// The member cluster.
    pub cluster: ClusterKey,
}

impl TargetKey {
    /// `project/cloud/provider/cluster`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.cloud, self.cluster)
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.cloud, self.cluster)
    }
}
