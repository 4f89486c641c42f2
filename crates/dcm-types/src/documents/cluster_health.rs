//! What the background check of a registered cluster found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::key::{ClusterKey, DocumentKind, Key};

/// Overall result of the last check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthState {
    /// Everything that a logical cloud needs is there.
    Healthy,
    /// It answers, but something is missing; the findings say what.
    Degraded,
    /// It does not answer.
    Unreachable,
    /// Nothing is written to it: it is registered under another name already, or it is not the
    /// cluster that was registered under this one.
    Refused,
}

/// Whether the signer `kubernetes.io/kube-apiserver-client` issues certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignerState {
    /// A test request was signed.
    Works,
    /// A test request was not signed in time.
    Silent,
    /// Not tried, or the request could not be made.
    Unknown,
}

/// One thing that the check found wanting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// One word in `CamelCase`, stable, for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The result of the last check of a cluster; written by the synchronizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterHealth {
    /// Provider and name.
    pub key: ClusterKey,
    /// `credential_epoch` of the cluster document that was checked.
    pub credential_epoch: u64,
    /// When the check ended.
    pub checked_at: Timestamp,
    /// Overall result.
    pub state: HealthState,
    /// Since when it has been in this state.
    pub since: Timestamp,
    /// `gitVersion` of the API server, when it answered.
    pub version: Option<String>,
    /// UID of the namespace `kube-system`, when it could be read.
    pub identity: Option<String>,
    /// Who we are there (`SelfSubjectReview`).
    pub user_name: Option<String>,
    /// Our groups there.
    pub groups: Vec<String>,
    /// What we may not do but must, as `verb resource.group` (`SelfSubjectAccessReview`).
    pub missing_rights: Vec<String>,
    /// What we may not do and only privileged logical clouds need.
    #[serde(default)]
    pub missing_privileged_rights: Vec<String>,
    /// Whether client certificates are signed.
    pub signer: SignerState,
    /// What is wanting, with hints; empty when healthy.
    pub findings: Vec<Finding>,
}

impl Document for ClusterHealth {
    const KIND: DocumentKind = DocumentKind::ClusterHealth;

    fn key(&self) -> Key {
        Key::of_cluster(DocumentKind::ClusterHealth, &self.key)
    }
}

/// Ties the identity of a cluster (UID of its `kube-system`) to the one name it is registered under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdentity {
    /// UID of the namespace `kube-system`.
    pub identity: String,
    /// The registered name that holds it.
    pub holder: ClusterKey,
    /// Uid of the cluster document that holds it.
    pub holder_uid: crate::uid::Uid,
}

impl Document for ClusterIdentity {
    const KIND: DocumentKind = DocumentKind::ClusterIdentity;

    fn key(&self) -> Key {
        Key::cluster_identity(&self.identity)
    }

    fn indexes(&self) -> Vec<(crate::document::Index, String)> {
        vec![(crate::document::Index::Cluster, self.holder.path())]
    }
}
