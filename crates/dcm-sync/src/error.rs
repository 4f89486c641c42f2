//! Why a run failed: one enum for the whole pipeline, with a stable category and a hint for people.

use std::sync::Arc;

use dcm_types::ClusterKey;

use dcm_cluster::{CallError, CallErrorKind};

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to the member failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] dcm_store::Error),
    /// A sealed secret cannot be opened or made.
    #[error("open or seal the {what}")]
    Vault {
        /// Which secret.
        what: &'static str,
        /// Why.
        #[source]
        source: dcm_store::vault::Error,
    },
    /// A credential in the store is not what it should be.
    #[error("read the stored {what}")]
    Credential {
        /// Which credential.
        what: &'static str,
    },
    /// The cluster is not registered any more.
    #[error("cluster {cluster} is not registered")]
    NotRegistered {
        /// Which.
        cluster: ClusterKey,
    },
    /// The cluster was forgotten, and the namespace is not held any more.
    #[error("cluster {cluster} was forgotten, with what this logical cloud had in it")]
    Forgotten {
        /// Which.
        cluster: ClusterKey,
    },
    /// Another cluster answers under this name.
    #[error("cluster {cluster} is not the cluster that was registered: its identity changed")]
    IdentityChanged {
        /// Which.
        cluster: ClusterKey,
    },
    /// The same cluster is registered under another name.
    #[error("cluster {cluster} is registered under another name already")]
    DuplicateCluster {
        /// Which.
        cluster: ClusterKey,
    },
    /// The member holds a newer generation than the store.
    #[error("the member holds generation {member}, the store wants {wanted}")]
    Ahead {
        /// Generation of the anchor.
        member: u64,
        /// Wanted generation.
        wanted: u64,
    },
    /// The member does not answer; nothing was sent.
    #[error("{0}")]
    Held(Arc<Self>),
    /// A key or request cannot be made.
    #[error("make the {what}")]
    Key {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: dcm_pki::Error,
    },
}

impl Error {
    /// Stable label for conditions and metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Call(error) => error.category(),
            Self::Store(_) => "store",
            Self::Vault { .. } | Self::Credential { .. } | Self::Key { .. } => "internal",
            Self::NotRegistered { .. } => "not-registered",
            Self::Forgotten { .. } => "forgotten",
            Self::IdentityChanged { .. } => "identity-changed",
            Self::DuplicateCluster { .. } => "duplicate-cluster",
            Self::Ahead { .. } => "ahead",
            Self::Held(why) => why.category(),
        }
    }

    /// Whether the same run may succeed later without anybody's doing.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Call(_) | Self::Store(_) => true,
            Self::Held(why) => why.retryable(),
            Self::Vault { .. }
            | Self::Credential { .. }
            | Self::Key { .. }
            | Self::NotRegistered { .. }
            | Self::Forgotten { .. }
            | Self::IdentityChanged { .. }
            | Self::DuplicateCluster { .. }
            | Self::Ahead { .. } => false,
        }
    }

    /// The generation that the member holds, when it is ahead of the store.
    pub(crate) fn member_generation(&self) -> Option<u64> {
        match self {
            Self::Ahead { member, .. } => Some(*member),
            _ => None,
        }
    }

    /// Whether nothing can be done in the member as a whole.
    pub(crate) fn shuts_the_gate(&self) -> bool {
        match self {
            Self::Call(call) => matches!(
                call.kind,
                CallErrorKind::Unreachable
                    | CallErrorKind::Timeout
                    | CallErrorKind::Tls
                    | CallErrorKind::RefusedAddress
                    | CallErrorKind::Unauthorized
                    | CallErrorKind::Garbled
            ),
            Self::IdentityChanged { .. } | Self::DuplicateCluster { .. } => true,
            _ => false,
        }
    }

    /// Whether a person must act before anything moves.
    pub(crate) fn blocks(&self) -> bool {
        !self.retryable()
    }

    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Call(error) => error.hint(),
            Self::Held(why) => why.hint(),
            Self::Store(_) => "the store is busy or failing; see the log of the server",
            Self::Vault { .. } | Self::Credential { .. } => {
                "the key file does not belong to this store, or a record was changed; restore both from one backup"
            }
            Self::NotRegistered { .. } => "register the cluster again under the same name",
            Self::Forgotten { .. } => {
                "delete the cluster reference and update; or register a cluster of this name and instantiate"
            }
            Self::IdentityChanged { .. } => {
                "another cluster answers at this address; register it under a name of its own, or restore the old one"
            }
            Self::DuplicateCluster { .. } => "use the name under which it is registered already",
            Self::Ahead { .. } => {
                "the store is older than the member, as after a restore; if what the store says shall be made true, name the member's generation in `dcm admin adopt-generation`"
            }
            Self::Key { .. } => "see the log of the server",
        }
    }
}
