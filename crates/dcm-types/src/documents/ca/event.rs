//! What happened to a key: an event in the chain of its authority or edge, written in the commit of what it tells.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::key::{DocumentKind, Key};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaVerb {
    /// A key was made and its certificate signed.
    Issued,
    /// A key and its certificate were taken from somebody else.
    Imported,
    /// A key was made for a request.
    Requested,
    /// The answer to a request was taken.
    Installed,
    /// A list of revoked certificates was signed.
    ListSigned,
    /// A member was seen to use it.
    Loaded,
    /// A certificate was revoked.
    Revoked,
    /// A key was destroyed.
    Destroyed,
    /// A rotation was asked for.
    RotationStarted,
    /// A rotation entered a phase.
    RotationWent,
    /// A rotation was aborted.
    RotationAborted,
    /// The last event: what it tells of is gone.
    Closed,
}

/// The certificate that an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventCertificate {
    /// Its generation.
    pub generation: u64,
    /// Its number, hex.
    pub serial: String,
    /// SHA-256 of it, hex.
    pub fingerprint: String,
}

/// What an event says. It never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaEventRecord {
    /// When.
    pub at: Timestamp,
    /// Who asked for it; `ca` when nobody did.
    pub principal: String,
    /// From where, when known.
    pub origin: String,
    /// Id of the request.
    pub request: String,
    /// What happened.
    pub verb: CaVerb,
    /// To what: a scope, or cloud and cluster.
    pub object: String,
    /// The certificate, if there is one.
    pub certificate: Option<EventCertificate>,
    /// More in words.
    pub detail: String,
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaEvent {
    /// Path of its chain.
    pub chain: String,
    /// Position in the chain, from 1.
    pub sequence: u64,
    /// Hash of the event before, hex; empty for the first.
    pub previous: String,
    /// What it says.
    pub record: CaEventRecord,
    /// Hash of this event, hex: [`crate::hash_chain::link_hash`] over the record's JSON.
    pub hash: String,
}

impl Document for CaEvent {
    const KIND: DocumentKind = DocumentKind::CaEvent;

    fn key(&self) -> Key {
        Key::ca_event(&self.chain, self.sequence)
    }
}

/// The end of a chain, kept in the document that it tells of: so a cut end is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEnd {
    /// How many events there are.
    pub sequence: u64,
    /// Hash of the last one.
    pub hash: String,
}
