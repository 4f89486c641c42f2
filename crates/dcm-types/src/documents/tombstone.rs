//! A tombstone: what is left in one cluster of a logical cloud that is gone.
//!
//! Written by the commit that deletes a cloud while some of its members do not answer. It holds all that the
//! synchronizer needs to clean up when the cluster returns; the reservation of the namespace stays with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Index};
use crate::documents::{Revision, Target};
use crate::key::{DocumentKind, Key};
use crate::uid::Uid;

/// What is left of a deleted logical cloud in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Its own id. The name of the cloud is free again, so that cannot be it.
    pub id: Uid,
    /// Uid of the project of the cloud: a later project of the same name is another one.
    pub project_uid: Uid,
    /// The terminating revision: its generation goes into the anchor, and it says what to look for.
    pub revision: Revision,
    /// What is known of the member; its inventory is what may be left. Written by the synchronizer.
    pub target: Target,
    /// When the cloud went.
    pub created_at: Timestamp,
}

impl Document for Tombstone {
    const KIND: DocumentKind = DocumentKind::Tombstone;

    fn key(&self) -> Key {
        Key::tombstone(self.id)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![
            (Index::Cluster, self.target.key.cluster.path()),
            (Index::Cloud, self.target.cloud_uid.to_string()),
        ]
    }
}
