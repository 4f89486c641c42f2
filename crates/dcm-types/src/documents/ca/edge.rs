//! The intermediates of one edge: one member of a logical cloud.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authority::SignedList;
use super::event::ChainEnd;
use crate::ca::Seen;
use crate::document::{Document, Index};
use crate::key::{DocumentKind, Key, TargetKey};
use crate::key_algorithm::KeyAlgorithm;
use crate::sealed::Sealed;
use crate::uid::Uid;

/// One intermediate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeGeneration {
    /// Counts those of the edge, from 1; also the secret epoch of its key.
    pub generation: u64,
    /// Generation of the anchor that signed it.
    pub anchor: u64,
    /// How many rotations of the cloud had begun when it was made.
    pub rotation: u64,
    /// Kind of its key.
    pub algorithm: KeyAlgorithm,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The private key, sealed for [`crate::sealed::Purpose::AuthorityKey`], field `key`, at the epoch; `None`:
    /// a newer one took its place, and it was destroyed here.
    pub key: Option<Sealed>,
    /// The number of the certificate, hex.
    pub serial: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// When a newer one is made, at the latest.
    pub renew_at: Timestamp,
    /// Since when it must not be trusted any more.
    pub revoked_at: Option<Timestamp>,
    /// Its own list of revoked certificates; names nobody, and is there because the mesh wants one of each
    /// issuer.
    pub list: SignedList,
}

/// The intermediates of one edge. As long as this document is there, the edge is a member and rotations wait
/// for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaEdge {
    /// Cloud and cluster.
    pub target: TargetKey,
    /// Uid of the cloud.
    pub cloud_uid: Uid,
    /// Made with this document; part of the associated data of its sealed fields.
    pub uid: Uid,
    /// Oldest first; the last one is in force. Older ones are kept without their keys, as long as they would
    /// be valid.
    pub generations: Vec<EdgeGeneration>,
    /// How often a list of this edge was signed.
    pub lists: u64,
    /// The newest bundle whose Secret was read back.
    pub written: Option<Seen>,
    /// The newest bundle that the control plane was seen to use.
    pub loaded: Option<Seen>,
    /// End of its chain of events.
    pub events: ChainEnd,
}

impl CaEdge {
    /// The one in force.
    pub fn current(&self) -> Option<&EdgeGeneration> {
        self.generations.last()
    }

    /// The generation that the control plane was seen to use, while it is remembered.
    pub fn loaded_generation(&self) -> Option<&EdgeGeneration> {
        let loaded = self.loaded?.version.generation;
        let mut generations = self.generations.iter();
        generations.find(|one| one.generation == loaded)
    }

    /// Path of its chain of events.
    pub fn chain(&self) -> String {
        format!("{}/{}", self.target.cloud, self.uid)
    }
}

impl Document for CaEdge {
    const KIND: DocumentKind = DocumentKind::CaEdge;

    fn key(&self) -> Key {
        Key::ca_edge(self.cloud_uid, &self.target.cluster)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![
            (Index::Cluster, self.target.cluster.path()),
            (Index::Cloud, self.cloud_uid.to_string()),
        ]
    }
}
