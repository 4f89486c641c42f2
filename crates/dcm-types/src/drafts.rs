//! Drafts: what a caller wants to write, already validated, before it becomes a document.
//!
//! `dcm-wire` makes them out of both REST dialects; `dcm-app` turns them into documents.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::ca::TrustModel;
use crate::documents::{
    CredentialKind, DriftPolicy, GitOps, Isolation, Level, MeshMode, Metadata, PodSecurity,
    ProjectPolicy,
};
use crate::key::ClusterKey;
use crate::key_value::{FreeItems, KeyValues};
use crate::name::{
    CloudKvName, CloudName, ClusterKvName, ClusterLabelName, ClusterName, ControllerName,
    NamespaceName, PermissionName, ProjectName, ProviderName, QuotaName, ReferenceName,
    SyncObjectName, UserName,
};
use crate::permission::Rule;
use crate::quota::QuotaLimits;
use crate::text::{ControllerHost, ControllerType};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDraft {
    /// Its name.
    pub name: ProjectName,
    /// Free text.
    pub metadata: Metadata,
    /// What its logical clouds may be.
    pub policy: ProjectPolicy,
}

/// A cluster provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDraft {
    /// Its name.
    pub name: ProviderName,
    /// Free text.
    pub metadata: Metadata,
}

/// A cluster to register. No `Debug`: it holds a credential.
#[derive(Clone)]
pub struct ClusterDraft {
    /// Its name.
    pub name: ClusterName,
    /// Free text.
    pub metadata: Metadata,
    /// The uploaded kubeconfig, unparsed; `None` on an update that keeps the credential.
    pub kubeconfig: Option<secrecy::SecretString>,
    /// How it is reached through a repository; `None` on an update that keeps what is there.
    pub git_ops: Option<GitOps>,
    /// Address for tenants, as it was written.
    pub public_address: Option<String>,
    /// Authorities of that address, as they were written.
    pub public_certificate_authority: Option<String>,
    /// All its labels; `None` on an update that keeps them.
    pub labels: Option<BTreeSet<ClusterLabelName>>,
}

/// A controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerDraft {
    /// Its name.
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

/// Key-values of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterKvDraft {
    /// Their name.
    pub name: ClusterKvName,
    /// Free text.
    pub metadata: Metadata,
    /// The pairs.
    pub pairs: KeyValues,
}

/// A synchronisation object. No `Debug`: it holds tokens.
#[derive(Clone)]
pub struct SyncObjectDraft {
    /// Its name.
    pub name: SyncObjectName,
    /// Free text.
    pub metadata: Metadata,
    /// The pairs.
    pub pairs: KeyValues,
}

/// Key-values of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudKvDraft {
    /// Their name.
    pub name: CloudKvName,
    /// Free text.
    pub metadata: Metadata,
    /// The objects.
    pub items: FreeItems,
}

/// A user of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDraft {
    /// Its name.
    pub name: UserName,
    /// Free text.
    pub metadata: Metadata,
    /// Kind of credential.
    pub credential: CredentialKind,
    /// The request of somebody who keeps their key, as it was written; `None` keeps what is there.
    pub signing_request: Option<String>,
}

/// A logical cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalCloudDraft {
    /// Its name.
    pub name: CloudName,
    /// Free text.
    pub metadata: Metadata,
    /// Kind of cloud.
    pub level: Level,
    /// The namespace; `None`: derived from the name of the cloud.
    pub namespace: Option<NamespaceName>,
    /// The tenant's labels on the namespace, checked.
    pub labels: BTreeMap<String, String>,
    /// Network preset.
    pub isolation: Isolation,
    /// Pod security level.
    pub pod_security: PodSecurity,
    /// What is done about changes of others in the members.
    pub drift: DriftPolicy,
    /// Its mesh; `None`: what a new cloud has when nothing is said, and what it has already otherwise.
    pub mesh: Option<MeshDraft>,
    /// The first user.
    pub user: Option<UserDraft>,
    /// Written in the flat form of the original design.
    pub flat: bool,
    /// Cluster references to create with it.
    pub clusters: Vec<ReferenceDraft>,
    /// Permissions to create with it.
    pub permissions: Vec<PermissionDraft>,
    /// Quotas to create with it.
    pub quotas: Vec<QuotaDraft>,
}

/// The mesh of a logical cloud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeshDraft {
    /// What there is of it; `None`: as for [`LogicalCloudDraft::mesh`].
    pub mode: Option<MeshMode>,
    /// What stands above its anchor; `None`: what it is, or what the CA controller does for all.
    pub trust_model: Option<TrustModel>,
    /// Control planes may read the other members.
    pub remote_secrets: bool,
}

/// A cluster reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceDraft {
    /// Its name; `None`: derived from provider and cluster, and made unique.
    pub name: Option<ReferenceName>,
    /// Free text.
    pub metadata: Metadata,
    /// The cluster.
    pub cluster: ClusterKey,
    /// Address of its load balancer.
    pub load_balancer_address: Option<IpAddr>,
}

/// A quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaDraft {
    /// Its name.
    pub name: QuotaName,
    /// Free text.
    pub metadata: Metadata,
    /// Its limits.
    pub limits: QuotaLimits,
}

/// A user permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionDraft {
    /// Its name.
    pub name: PermissionName,
    /// Free text.
    pub metadata: Metadata,
    /// The namespace as it was written; `None`: that of the cloud; empty: the whole cluster.
    pub namespace: Option<String>,
    /// The user who gets it; `None`: the first user of the cloud.
    pub user: Option<UserName>,
    /// The rule, inside the envelope.
    pub rule: Rule,
}
