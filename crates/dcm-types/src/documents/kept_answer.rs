//! The answer to a request with an `Idempotency-Key`, written in the commit of its change: whoever repeats
//! the request is given it again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::key::{DocumentKind, Key};
use crate::sealed::Sealed;
use crate::uid::Uid;

/// The version that an answer told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerVersion {
    /// Of a document that was there before.
    Number(u64),
    /// Of a document of the same commit: so many numbers before that of the kept answer. The number itself
    /// is not known before the commit.
    Before(u64),
}

/// A version that the body of an answer tells, of a document of the same commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldVersion {
    /// Where in the text it belongs, in bytes: the text is kept without it.
    pub at: usize,
    /// So many numbers before that of the kept answer.
    pub before: u64,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// SHA-256 of the name of who asked, hex.
    pub principal: String,
    /// SHA-256 of the key, hex.
    pub key: String,
    /// Its own uid, to which the sealed part is bound.
    pub uid: Uid,
    /// When it was given.
    pub at: Timestamp,
    /// Status.
    pub status: u16,
    /// Headers that callers act on, but for the version.
    pub headers: Vec<(String, String)>,
    /// The version that it told.
    pub version: Option<AnswerVersion>,
    /// The versions that its body tells, in order.
    pub told: Vec<ToldVersion>,
    /// What makes the request what it is, as a hash, and the body of the answer: sealed, because either may
    /// tell of a secret.
    pub sealed: Sealed,
}

impl Document for KeptAnswer {
    const KIND: DocumentKind = DocumentKind::KeptAnswer;

    fn key(&self) -> Key {
        Key::kept_answer(&self.principal, &self.key)
    }
}
