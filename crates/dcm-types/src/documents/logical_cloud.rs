//! A logical cloud as its tenant describes it: the cloud itself, its namespace, user, members,
//! quotas and permissions. Nothing here reaches a cluster before a revision freezes it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Index};
use crate::documents::{MeshSpec, Metadata};
use crate::key::{CloudKey, ClusterKey, DocumentKind, Key};
use crate::name::{NamespaceName, PermissionName, QuotaName, ReferenceName, UserName};
use crate::permission::{Reach, Rule};
use crate::quota::QuotaLimits;
use crate::uid::Uid;

/// Kind of a logical cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Level {
    /// `"0"`: the whole cluster as it is; no object of ours.
    #[serde(rename = "0")]
    Admin,
    /// `"1"`: a namespace with everything around it.
    #[default]
    #[serde(rename = "1")]
    Standard,
}

/// What is done when somebody changes in a member what was applied there. A new generation is applied as a
/// whole whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftPolicy {
    /// It is changed back.
    #[default]
    Correct,
    /// It is told in the status, and left.
    Report,
    /// It is not looked at.
    Off,
}

impl DriftPolicy {
    /// Whether it is the one that holds when nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Report => "report",
            Self::Off => "off",
        }
    }
}

/// How network traffic into and out of the namespace is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// No network policy.
    Open,
    /// Ingress only from the own namespace.
    #[default]
    Baseline,
    /// As baseline, and egress only to the own namespace and to DNS.
    Strict,
}

/// Pod Security Standard that the namespace enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodSecurity {
    /// Prevents known privilege escalations.
    #[default]
    Baseline,
    /// Current hardening practice.
    Restricted,
}

/// A logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogicalCloud {
    /// Made once, never reused; owner id of everything in the members.
    pub uid: Uid,
    /// Project and name.
    pub key: CloudKey,
    /// Free text.
    pub metadata: Metadata,
    /// Kind of cloud.
    pub level: Level,
    /// The first user; his document has the same name. `None`: the cloud gives access to nobody.
    pub user: Option<UserName>,
    /// What is done about changes of others in the members.
    #[serde(default, skip_serializing_if = "DriftPolicy::is_default")]
    pub drift: DriftPolicy,
    /// Its mesh; `None`: it never had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh: Option<MeshSpec>,
    /// Which dialect created it, so that answers to flat bodies are flat.
    pub flat: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Document for LogicalCloud {
    const KIND: DocumentKind = DocumentKind::LogicalCloud;

    fn key(&self) -> Key {
        Key::cloud(&self.key)
    }
}

/// How a user proves who they are in a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A client certificate, signed in the member.
    #[default]
    Certificate,
    /// A token of a `ServiceAccount`, for members whose signer gives no client certificates.
    ServiceAccount,
    /// A client certificate, signed in the member, for a key that only its holder has: they give the
    /// request.
    SigningRequest,
}

/// A user of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Made once, never reused.
    pub uid: Uid,
    /// The logical cloud.
    pub cloud: CloudKey,
    /// The name, for people; certificates carry [`crate::member_name::user_identity`].
    pub name: UserName,
    /// Free text.
    #[serde(default)]
    pub metadata: Metadata,
    /// Kind of credential.
    pub credential: CredentialKind,
    /// Grows only on revocation, so that every older certificate opens nothing.
    pub identity_generation: u64,
    /// When that was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The request (PKCS#10, PEM) that the holder of the key gave for the present identity; checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_request: Option<String>,
    /// Digest of the key that was revoked last: it is not taken again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_key: Option<String>,
}

impl User {
    /// The same user with another kind of credential.
    #[must_use]
    pub fn of_kind(mut self, credential: CredentialKind) -> Self {
        if credential != CredentialKind::SigningRequest {
            self.signing_request = None;
        }
        self.credential = credential;
        self
    }
}

impl Document for User {
    const KIND: DocumentKind = DocumentKind::User;

    fn key(&self) -> Key {
        Key::user(&self.cloud, &self.name)
    }
}

/// The namespace of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Its name in every member.
    pub name: NamespaceName,
    /// Labels that the tenant wants on it; checked by [`crate::label::check_namespace_labels`].
    pub labels: BTreeMap<String, String>,
    /// Network preset.
    pub isolation: Isolation,
    /// Pod security level.
    pub pod_security: PodSecurity,
}

impl Document for Namespace {
    const KIND: DocumentKind = DocumentKind::Namespace;

    fn key(&self) -> Key {
        Key::of_cloud(DocumentKind::Namespace, &self.cloud)
    }
}

/// The membership of a cluster in a logical cloud: the "cluster document" of the original design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReference {
    /// Made once, never reused.
    pub uid: Uid,
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Its own name within the cloud.
    pub name: ReferenceName,
    /// Free text.
    pub metadata: Metadata,
    /// The cluster; at most one reference of a cloud names it.
    pub cluster: ClusterKey,
    /// Where the member's load balancer is reached, for the mesh.
    pub load_balancer_address: Option<IpAddr>,
}

impl Document for ClusterReference {
    const KIND: DocumentKind = DocumentKind::ClusterReference;

    fn key(&self) -> Key {
        Key::reference(&self.cloud, &self.name)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![(Index::Cluster, self.cluster.path())]
    }
}

/// A quota; it becomes a `ResourceQuota` of the same name in every member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Made once, never reused.
    pub uid: Uid,
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Its name, there and in the members.
    pub name: QuotaName,
    /// Free text.
    pub metadata: Metadata,
    /// The limits.
    pub limits: QuotaLimits,
}

impl Document for Quota {
    const KIND: DocumentKind = DocumentKind::Quota;

    fn key(&self) -> Key {
        Key::quota(&self.cloud, &self.name)
    }
}

/// A permission: what a user may do, in the cloud's namespace or outside of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPermission {
    /// Made once, never reused; the member's role is named by it, never by list position (T12).
    pub uid: Uid,
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Its name.
    pub name: PermissionName,
    /// Free text.
    pub metadata: Metadata,
    /// The user who gets it; `None`: whoever is the first user of the cloud.
    #[serde(default)]
    pub user: Option<UserName>,
    /// Where it holds.
    #[serde(default)]
    pub reach: Reach,
    /// The rule as it was written, inside the envelope of [`crate::permission`].
    pub rule: Rule,
}

impl Document for UserPermission {
    const KIND: DocumentKind = DocumentKind::UserPermission;

    fn key(&self) -> Key {
        Key::permission(&self.cloud, &self.name)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        let outreach = (!self.reach.is_own()).then(|| (Index::Outreach, self.cloud.path()));
        outreach.into_iter().collect()
    }
}
