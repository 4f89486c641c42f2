//! A target: what we know of one logical cloud in one cluster. Written by the synchronizer only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Track};
use crate::document::{Document, Index};
use crate::key::{DocumentKind, Key, TargetKey};
use crate::name::NamespaceName;
use crate::uid::Uid;

/// What we know to be in the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Observed {
    /// Certainly nothing of ours.
    Absent,
    /// We may have left something; the inventory says what it can be.
    Unknown,
    /// This generation was read back.
    Known {
        /// The generation.
        generation: u64,
        /// Fingerprint of what was rendered, credentials included.
        fingerprint: String,
    },
}

/// Names an object in a member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectIdentity {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace, `None` for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// State of one object as last read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectState {
    /// As wished, and in force where that is a thing of its own.
    Ready,
    /// Written, and something is being waited for.
    Progressing,
    /// Not written yet.
    Pending,
    /// Somebody else's object is in its place, the member refuses it, or others changed it and it stays so.
    Blocked,
    /// To be removed, and still there.
    Terminating,
}

/// A field that is not as wished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftedField {
    /// Its path, with dots; empty for the object as a whole.
    pub field: String,
    /// Who wrote it, as far as the member tells: names of field managers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<String>,
}

/// How an object differs from the wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What differs.
    pub fields: Vec<DriftedField>,
    /// Since when it was seen to.
    pub since: Timestamp,
}

/// Status of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// Which object.
    pub object: ObjectIdentity,
    /// The track it belongs to.
    pub track: Track,
    /// Its state.
    pub state: ObjectState,
    /// One word in `CamelCase`.
    pub reason: String,
    /// A sentence, when there is something to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it was last read back; `None` before that.
    pub read_at: Option<Timestamp>,
    /// How it differs, while that is not corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

/// Why the last run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// Stable category, also a metric label.
    pub category: String,
    /// A sentence; text from a cluster is bounded and is data.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// When.
    pub at: Timestamp,
    /// How many runs in a row have failed.
    pub attempts: u32,
    /// The generation that the member holds, when that is ahead of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_generation: Option<u64>,
}

/// Categories of errors after which nothing can be said of, or done in, a member: it does not answer, not as
/// what it should be, or not to us.
const NO_CONTACT: [&str; 9] = [
    "unreachable",
    "timeout",
    "tls",
    "garbled",
    "refused-address",
    "unauthorized",
    "identity-changed",
    "duplicate-cluster",
    "not-registered",
];

impl LastError {
    /// Whether the member as a whole is out of reach, rather than an object in it.
    pub fn says_no_contact(&self) -> bool {
        NO_CONTACT.contains(&self.category.as_str())
    }
}

/// One logical cloud in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Cloud and cluster.
    pub key: TargetKey,
    /// Uid of the logical cloud that it belongs to.
    pub cloud_uid: Uid,
    /// The namespace that it reserved.
    pub namespace: NamespaceName,
    /// Generation that the last run worked on.
    pub wanted_generation: u64,
    /// Last generation that was read back completely; `None` before the first.
    pub applied_generation: Option<u64>,
    /// What we know.
    pub observed: Observed,
    /// Everything that may exist because of us, written before the first call.
    pub inventory: Vec<ObjectIdentity>,
    /// Something of ours may be outside of the namespace: from the first run that writes there until
    /// nothing is left at all.
    #[serde(default)]
    pub reaches_out: bool,
    /// Where the member's gateway of the mesh is reached, as its own Service says; `None`: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_address: Option<String>,
    /// One condition per track.
    pub conditions: Vec<Condition>,
    /// Status of each object.
    pub objects: Vec<ObjectStatus>,
    /// Why the last run failed; `None` after one that did not.
    pub last_error: Option<LastError>,
    /// When this was last compared with the member.
    pub checked_at: Option<Timestamp>,
    /// When to look again even if nothing happens (renewal, back-off, second look).
    pub check_at: Option<Timestamp>,
    /// When the first empty list was seen after a terminating run; the second one makes it absent.
    pub emptied_at: Option<Timestamp>,
}

impl Document for Target {
    const KIND: DocumentKind = DocumentKind::Target;

    fn key(&self) -> Key {
        Key::target(&self.key)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![
            (Index::Cluster, self.key.cluster.path()),
            (Index::Cloud, self.cloud_uid.to_string()),
        ]
    }
}
