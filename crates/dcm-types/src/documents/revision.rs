//! A revision: everything that will exist in every member, with nothing left to choose.
//!
//! It holds references, never keys; credentials rotate on their own clock and are joined at the
//! moment of the call. A revision is written once and never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Index};
use crate::documents::{
    CredentialKind, DriftPolicy, Isolation, Level, PodSecurity, RevisionMesh, Wish,
};
use crate::key::{CloudKey, ClusterKey, DocumentKind, Key};
use crate::name::{NamespaceName, PermissionName, QuotaName, UserName};
use crate::permission::{Reach, Rule};
use crate::quota::QuotaLimits;
use crate::uid::Uid;

/// A member cluster of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The cluster.
    pub cluster: ClusterKey,
    /// Its load balancer, if known.
    pub load_balancer_address: Option<IpAddr>,
}

/// A quota, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionQuota {
    /// Name of the `ResourceQuota`.
    pub name: QuotaName,
    /// Its limits.
    pub limits: QuotaLimits,
}

/// A user, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionUser {
    /// Uid of the user document.
    pub uid: Uid,
    /// The name, for people.
    pub name: UserName,
    /// The common name of the certificate and the subject of bindings (T21):
    /// [`crate::member_name::user_identity`]. The name of a `ServiceAccount` is made of it.
    pub identity: String,
    /// How they prove who they are.
    #[serde(default)]
    pub credential: CredentialKind,
}

/// A permission, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionPermission {
    /// Uid of the permission document; names role and binding.
    pub uid: Uid,
    /// Its name, for people.
    pub name: PermissionName,
    /// The user who gets it.
    pub user: UserName,
    /// Where it holds.
    #[serde(default)]
    pub reach: Reach,
    /// The rules, without `*`. Earlier versions wrote one rule.
    #[serde(alias = "rule", deserialize_with = "one_or_more")]
    pub rules: Vec<Rule>,
}

fn one_or_more<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Many(Vec<Rule>),
        One(Rule),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Many(rules) => rules,
        Written::One(rule) => vec![rule],
    })
}

/// What shall exist in each member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The namespace.
    pub namespace: NamespaceName,
    /// The tenant's labels on it.
    pub labels: BTreeMap<String, String>,
    /// Network preset.
    pub isolation: Isolation,
    /// Pod security level.
    pub pod_security: PodSecurity,
    /// What is done about changes of others, once this is applied.
    #[serde(default, skip_serializing_if = "DriftPolicy::is_default")]
    pub drift: DriftPolicy,
    /// Its mesh; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh: Option<RevisionMesh>,
    /// Quotas.
    pub quotas: Vec<RevisionQuota>,
    /// Users.
    pub users: Vec<RevisionUser>,
    /// Permissions.
    pub permissions: Vec<RevisionPermission>,
}

impl Slice {
    /// Whether a permission leaves the namespace.
    pub fn is_privileged(&self) -> bool {
        self.permissions
            .iter()
            .any(|permission| !permission.reach.is_own())
    }

    /// The other namespaces in which permissions hold, each once.
    pub fn other_namespaces(&self) -> BTreeSet<&NamespaceName> {
        let reaches = self.permissions.iter().map(|permission| &permission.reach);
        reaches
            .filter_map(|reach| match reach {
                Reach::Namespace(name) => Some(name),
                Reach::Own | Reach::Cluster => None,
            })
            .collect()
    }
}

/// A frozen plan for all members of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Its uid, the owner id in the members.
    pub cloud_uid: Uid,
    /// Grows by one with each accepted action.
    pub generation: u64,
    /// Whether the slice shall exist.
    pub wish: Wish,
    /// Kind of cloud: nothing of an admin cloud is in any member.
    #[serde(default)]
    pub level: Level,
    /// The member clusters; empty when the wish is [`Wish::Absent`].
    pub members: Vec<Member>,
    /// What shall exist in each; on [`Wish::Absent`] what the last one wished, for its namespace.
    pub slice: Slice,
    /// When it was frozen.
    pub created_at: Timestamp,
}

impl Revision {
    /// Whether the cluster is a member that shall hold the slice.
    pub fn has_member(&self, cluster: &ClusterKey) -> bool {
        self.level == Level::Standard && self.names(cluster)
    }

    /// Whether the cluster is a member, of whatever kind the cloud is.
    pub fn names(&self, cluster: &ClusterKey) -> bool {
        // They are frozen in this order; one that is not found by it may still stand somewhere else.
        let by_order = || self.members.binary_search_by(|m| m.cluster.cmp(cluster));
        let by_looking = || self.members.iter().any(|m| &m.cluster == cluster);
        self.wish == Wish::Present && (by_order().is_ok() || by_looking())
    }
}

impl Document for Revision {
    const KIND: DocumentKind = DocumentKind::Revision;

    fn key(&self) -> Key {
        Key::revision(self.cloud_uid, self.generation)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![(Index::Cloud, self.cloud_uid.to_string())]
    }
}
