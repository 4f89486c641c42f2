//! Conditions: what is true of a track of a member, since when, why, and what to do about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The tracks of a plan (`design.md` 3.5). One that is blocked holds back only what trusts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// The member answers, is the cluster that was registered, and our anchor is in place.
    Member,
    /// The namespace exists and is ours.
    Namespace,
    /// Quotas and limits exist and are in force.
    Quota,
    /// Network policies exist.
    Isolation,
    /// Certificate, roles, bindings, kubeconfig.
    Access,
    /// Authorities and control plane of the mesh; beside all others, which never wait for it.
    Mesh,
}

impl Track {
    /// All tracks, in order of trust.
    pub const ALL: [Self; 6] = [
        Self::Member,
        Self::Namespace,
        Self::Quota,
        Self::Isolation,
        Self::Access,
        Self::Mesh,
    ];

    /// Those of every member; the mesh is a track only where there is one.
    pub const USUAL: [Self; 5] = [
        Self::Member,
        Self::Namespace,
        Self::Quota,
        Self::Isolation,
        Self::Access,
    ];

    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Namespace => "namespace",
            Self::Quota => "quota",
            Self::Isolation => "isolation",
            Self::Access => "access",
            Self::Mesh => "mesh",
        }
    }
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionStatus {
    /// It holds, as read back from the member.
    True,
    /// It does not hold yet; the reason says what is being waited for.
    Progressing,
    /// It cannot hold until somebody changes something.
    Blocked,
    /// We do not know.
    Unknown,
}

/// A condition of one track of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Which track.
    pub track: Track,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// One word in `CamelCase`, stable, for machines.
    pub reason: String,
    /// A sentence for people; text from a cluster is data and is bounded.
    pub message: String,
    /// What to do, when somebody must do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When `status` or `reason` last changed.
    pub since: Timestamp,
}

impl Condition {
    /// Carries `since` over from the earlier condition of the same track when nothing changed.
    #[must_use]
    pub fn merged(mut self, earlier: &[Self]) -> Self {
        let same = earlier
            .iter()
            .find(|c| c.track == self.track && c.status == self.status && c.reason == self.reason);
        if let Some(same) = same {
            self.since = same.since;
        }
        self
    }
}
