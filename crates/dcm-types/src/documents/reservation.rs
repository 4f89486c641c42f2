//! A reservation: which logical cloud owns a namespace name on a cluster.

use serde::{Deserialize, Serialize};

use crate::document::{Document, Index};
use crate::key::{CloudKey, ClusterKey, DocumentKind, Key};
use crate::name::NamespaceName;
use crate::uid::Uid;

/// Written with the revision that first wants the namespace on the cluster; deleted by the
/// synchronizer in the commit that makes the target absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The cluster.
    pub cluster: ClusterKey,
    /// The namespace.
    pub namespace: NamespaceName,
    /// Who holds it. Told to nobody but its holder.
    pub cloud: CloudKey,
    /// Uid of the holder.
    pub cloud_uid: Uid,
}

impl Document for Reservation {
    const KIND: DocumentKind = DocumentKind::Reservation;

    fn key(&self) -> Key {
        Key::reservation(&self.cluster, &self.namespace)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![
            (Index::Cluster, self.cluster.path()),
            (Index::Cloud, self.cloud_uid.to_string()),
        ]
    }
}
