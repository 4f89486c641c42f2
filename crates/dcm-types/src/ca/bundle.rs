//! What an edge gets, and what is told of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::evidence::Seen;
use super::private_key::PrivateKeyPem;
use crate::key::TargetKey;
use crate::key_algorithm::KeyAlgorithm;
use crate::uid::Uid;

/// What distinguishes two bundles of one edge. Each number only grows, and each grows apart from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BundleVersion {
    /// Generation of the edge's own certificate and key, from 1.
    pub generation: u64,
    /// Number of the set of anchors in `root-cert.pem`, from 1.
    pub trust: u64,
    /// Number of the lists of revoked certificates in `ca-crl.pem`, from 1.
    pub lists: u64,
}

impl BundleVersion {
    /// Nothing in it is older than in the other one.
    pub fn covers(&self, other: &Self) -> bool {
        self.generation >= other.generation
            && self.trust >= other.trust
            && self.lists >= other.lists
    }
}

/// The bundle of one edge: the files of the Secret `cacerts` of its control plane.
#[derive(Debug, Clone)]
pub struct CaBundle {
    /// Whose it is.
    pub target: TargetKey,
    /// Uid of the logical cloud: a namesake made later has another anchor.
    pub cloud_uid: Uid,
    /// Which one it is; goes into [`super::Evidence`].
    pub version: BundleVersion,
    /// `ca-cert.pem`: the edge's intermediate.
    pub certificate_pem: String,
    /// `ca-key.pem`: its key.
    pub key: PrivateKeyPem,
    /// `cert-chain.pem`: the intermediate first, then those above it up to its anchor.
    pub chain_pem: String,
    /// `root-cert.pem`: what workloads of the cloud trust.
    pub anchors_pem: String,
    /// `ca-crl.pem`: a list of revoked certificates of every issuer in the chain.
    pub lists_pem: String,
    /// End of the intermediate.
    pub not_after: Timestamp,
    /// When to ask for it again, at the latest.
    pub ask_again_at: Timestamp,
}

/// What a generation of an edge is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationState {
    /// The one that the edge shall have; its member was not seen to have it.
    Issued,
    /// The one that the edge shall have; its member was seen to have it.
    Active,
    /// A newer one took its place; leaves that it signed may live still.
    Superseded,
    /// It must not be trusted any more.
    Revoked,
}

/// From when on a certificate is late: five sixths of its life are over, and a newer one should have taken its place
/// long before.
pub fn late_at(not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = not_after.duration_since(not_before);
    not_before.checked_add(life / 6 * 5).unwrap_or(not_after)
}

/// What is told of one generation of an edge; never a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleSummary {
    /// Whose it is.
    pub target: TargetKey,
    /// Which bundle the edge shall have now, or had when this generation was in force.
    pub version: BundleVersion,
    /// What the generation is good for.
    pub state: GenerationState,
    /// Generation of the anchor that signed it.
    pub anchor: u64,
    /// Kind of its key.
    pub algorithm: KeyAlgorithm,
    /// Its number, hex.
    pub serial: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// When it is renewed, at the latest.
    pub renew_at: Timestamp,
    /// The newest bundle whose Secret was read back in the member.
    pub written: Option<Seen>,
    /// The newest bundle that the member's control plane was seen to use.
    pub loaded: Option<Seen>,
}
