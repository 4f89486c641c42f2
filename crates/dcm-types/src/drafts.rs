//! Drafts: what a caller wants to write, already validated, before it becomes a document.
//!
//! `dcm-wire` makes them out of both REST dialects; `dcm-app` turns them into documents.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::documents::{CredentialKind, Isolation, Level, Metadata, PodSecurity};
use crate::key::ClusterKey;
use crate::name::{
    CloudName, ClusterName, NamespaceName, PermissionName, ProjectName, ProviderName, QuotaName,
    ReferenceName, UserName,
};
use crate::permission::Rule;
use crate::quota::QuotaLimits;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDraft {
    /// Its name.
    pub name: ProjectName,
    /// Free text.
    pub metadata: Metadata,
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
    /// The namespace it names; `None`: that of the cloud. Anything else is refused for now (T14).
    pub namespace: Option<String>,
    /// The user who gets it; `None`: the first user of the cloud.
    pub user: Option<UserName>,
    /// The rule, inside the envelope.
    pub rule: Rule,
}
