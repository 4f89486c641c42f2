//! Audit: who did what, written in the same commit as the change; linked into a chain afterwards.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::key::{DocumentKind, Key};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditResult {
    /// It was done.
    Done,
    /// It was accepted and is done in the background.
    Accepted,
}

/// One change. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The project, or [`Key::SYSTEM_SCOPE`].
    pub scope: String,
    /// Sorts by time, unique.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// From where, when known.
    pub origin: String,
    /// What: `create`, `update`, `delete`, `instantiate`, ...
    pub verb: String,
    /// On what: kind and path.
    pub object: String,
    /// How it ended.
    pub result: AuditResult,
    /// Id of the request.
    pub request: String,
}

impl Document for AuditRecord {
    const KIND: DocumentKind = DocumentKind::Audit;

    fn key(&self) -> Key {
        Key::audit(&self.scope, &self.id)
    }
}

/// A link of the chain of one scope: `hash` is SHA-256 over the previous hash and the record's JSON.
/// Made by a background step, so that the chain is no point of contention for requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLink {
    /// The scope.
    pub scope: String,
    /// Position in the chain, from 1.
    pub sequence: u64,
    /// Id of the record that it links.
    pub record: String,
    /// Hash of the link before, hex; empty for the first.
    pub previous: String,
    /// Hash of this link, hex.
    pub hash: String,
}

impl Document for AuditLink {
    const KIND: DocumentKind = DocumentKind::AuditLink;

    fn key(&self) -> Key {
        Key::audit_link(&self.scope, self.sequence)
    }
}
