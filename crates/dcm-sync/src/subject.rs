//! What a run is about: a target of a logical cloud, or what is left of one that is gone.

use std::fmt;

use dcm_types::documents::Tombstone;
use dcm_types::{ClusterKey, TargetKey, Uid};

/// The key of a run, and its only input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// One logical cloud in one cluster.
    Target(TargetKey),
    /// The rest of a deleted one.
    Tombstone {
        /// Id of the tombstone.
        id: Uid,
        /// Where the rest is.
        cluster: ClusterKey,
    },
}

impl Subject {
    /// The tombstone as a subject.
    pub(crate) fn of(tombstone: &Tombstone) -> Self {
        Self::Tombstone {
            id: tombstone.id,
            cluster: tombstone.target.key.cluster.clone(),
        }
    }

    /// The cluster that it is in.
    pub(crate) fn cluster(&self) -> &ClusterKey {
        match self {
            Self::Target(target) => &target.cluster,
            Self::Tombstone { cluster, .. } => cluster,
        }
    }
}

impl From<TargetKey> for Subject {
    fn from(target: TargetKey) -> Self {
        Self::Target(target)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => fmt::Display::fmt(target, formatter),
            Self::Tombstone { id, cluster } => write!(formatter, "tombstone {id} in {cluster}"),
        }
    }
}
