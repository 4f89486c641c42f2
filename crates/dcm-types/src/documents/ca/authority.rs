//! An authority: that of the organisation, or the anchors of one logical cloud.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::ChainEnd;
use super::rotation::Rotation;
use crate::ca::{AuthorityScope, KeyOrigin, TrustModel};
use crate::document::{Document, Index};
use crate::key::{CloudKey, DocumentKind, Key};
use crate::key_algorithm::KeyAlgorithm;
use crate::sealed::Sealed;
use crate::uid::Uid;

/// Whose an authority is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityOwner {
    /// The organisation.
    Organization,
    /// A logical cloud.
    Cloud {
        /// Its name.
        key: CloudKey,
        /// Its uid.
        uid: Uid,
    },
}

impl AuthorityOwner {
    /// As callers name it.
    pub fn scope(&self) -> AuthorityScope {
        match self {
            Self::Organization => AuthorityScope::Organization,
            Self::Cloud { key, .. } => AuthorityScope::Cloud(key.clone()),
        }
    }

    /// The key of its authority.
    pub fn authority_key(&self) -> Key {
        match self {
            Self::Organization => Key::ca_organization(),
            Self::Cloud { uid, .. } => Key::ca_authority(*uid),
        }
    }

    /// Under which path its chains of events are.
    pub fn events_path(&self) -> String {
        match self {
            Self::Organization => format!("{}/organization", Key::SYSTEM_SCOPE),
            Self::Cloud { key, .. } => key.path(),
        }
    }
}

/// A list of revoked certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedList {
    /// Its number; only grows.
    pub number: u64,
    /// The list, PEM.
    pub pem: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
}

/// A certificate that must not be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedEdge {
    /// Its number, hex.
    pub serial: String,
    /// Since when.
    pub at: Timestamp,
    /// Its end: from then on no list needs to name it.
    pub not_after: Timestamp,
}

/// One certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Counts those of the authority, from 1; also the secret epoch of its key.
    pub generation: u64,
    /// Where it comes from.
    pub origin: KeyOrigin,
    /// Kind of its key; `None`: it was imported.
    pub algorithm: Option<KeyAlgorithm>,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Those above it, PEM, its issuer first; empty: it signs itself.
    pub above_pem: String,
    /// The private key, sealed for [`crate::sealed::Purpose::AuthorityKey`], field `key`, at the epoch.
    pub key: Sealed,
    /// The number of the certificate, hex.
    pub serial: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// What it revoked.
    pub revoked: Vec<RevokedEdge>,
    /// Its list of them.
    pub list: SignedList,
}

/// Who is to sign a request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestSigner {
    /// Somebody who is asked by a person.
    #[default]
    Somebody,
    /// The issuer of the configuration, which the controller asks itself.
    Issuer {
        /// How often it was asked in vain.
        tries: u32,
        /// When it is asked again, at the earliest; `None`: now.
        try_at: Option<Timestamp>,
        /// What was wrong the last time.
        problem: Option<String>,
    },
}

/// A request that somebody else is to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRequest {
    /// Secret epoch of its key: the generation that its answer will have.
    pub epoch: u64,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Key and text; `None`: they are to be made.
    pub made: Option<MadeRequest>,
    /// Who is to sign it.
    #[serde(default)]
    pub signer: RequestSigner,
}

impl PendingRequest {
    /// The controller asks the issuer for its answer by itself.
    pub fn is_for_issuer(&self) -> bool {
        matches!(self.signer, RequestSigner::Issuer { .. })
    }
}

/// What was made for a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeRequest {
    /// The private key, sealed like that of an anchor, field `request-key`, at the epoch.
    pub key: Sealed,
    /// PKCS#10, PEM.
    pub pem: String,
    /// The subject that was asked for, DER in hex.
    pub subject: String,
}

/// The authorities of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaAuthority {
    /// Whose.
    pub owner: AuthorityOwner,
    /// Made with this document; part of the associated data of its sealed fields.
    pub uid: Uid,
    /// What stands above the anchors that are made here.
    pub trust_model: TrustModel,
    /// The trust domain of the mesh; the organisation has none. It never changes.
    pub trust_domain: Option<String>,
    /// Certificates with their keys, by generation; those that are not used any more are gone.
    pub anchors: Vec<Anchor>,
    /// The last generation that was used.
    pub last_generation: u64,
    /// The generation that signs; 0: there is none yet.
    pub signing: u64,
    /// The generations in `root-cert.pem` of every member.
    pub trusted: Vec<u64>,
    /// Number of that set; grows whenever it changes.
    pub trust: u64,
    /// Number of the lists of revoked certificates; grows with each that is signed.
    pub lists: u64,
    /// How many rotations there were.
    pub rotations: u64,
    /// The last one.
    pub rotation: Option<Rotation>,
    /// A request without its answer.
    pub request: Option<PendingRequest>,
    /// End of its chain of events.
    pub events: ChainEnd,
}

impl CaAuthority {
    /// One of its certificates.
    pub fn anchor(&self, generation: u64) -> Option<&Anchor> {
        let mut anchors = self.anchors.iter();
        anchors.find(|anchor| anchor.generation == generation)
    }

    /// The one that signs.
    pub fn signing_anchor(&self) -> Option<&Anchor> {
        self.anchor(self.signing)
    }

    /// The rotation that is running.
    pub fn running(&self) -> Option<&Rotation> {
        let running = |rotation: &&Rotation| !rotation.phase.is_over();
        self.rotation.as_ref().filter(running)
    }

    /// The uid of its cloud.
    pub fn cloud_uid(&self) -> Option<Uid> {
        match &self.owner {
            AuthorityOwner::Organization => None,
            AuthorityOwner::Cloud { uid, .. } => Some(*uid),
        }
    }

    /// Path of its chain of events.
    pub fn chain(&self) -> String {
        format!("{}/{}", self.owner.events_path(), self.uid)
    }
}

impl Document for CaAuthority {
    const KIND: DocumentKind = DocumentKind::CaAuthority;

    fn key(&self) -> Key {
        self.owner.authority_key()
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        let cloud = self.cloud_uid();
        cloud
            .map(|uid| (Index::Cloud, uid.to_string()))
            .into_iter()
            .collect()
    }
}
