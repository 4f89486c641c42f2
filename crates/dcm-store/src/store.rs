//! The contract of a store.
//!
//! What we persist: the documents of `dcm_types::documents`, nothing else; there is no queue table,
//! because "wanted generation differs from applied generation" is a fact in the documents. What we
//! derive: everything that can be read again from a member cluster.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::{DocumentKind, Index, Key};
use futures::stream::BoxStream;

/// The version of a stored document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Changes with every `Put` and is never used twice in a store, not even after a delete: the `ETag`.
    pub number: u64,
    /// Changes with every `Assert` on the document too; invisible to users.
    pub touched: u64,
}

/// A stored document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: Key,
    /// Its version.
    pub version: Version,
    /// Version of its shape.
    pub schema: u32,
    /// The document as JSON text.
    pub body: String,
}

/// What must hold of a document for an operation on it to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing (for `Put` only).
    Anything,
    /// It does not exist.
    Absent,
    /// It exists.
    Exists,
    /// It has this version number.
    Number(u64),
    /// It has this version number and nobody asserted anything about it since it was read. A delete of
    /// a parent uses this: a child made meanwhile asserted the parent's existence.
    Untouched(Version),
}

/// One operation of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Writes a document.
    Put {
        /// Its key.
        key: Key,
        /// Precondition.
        expect: Expect,
        /// Version of its shape.
        schema: u32,
        /// JSON text.
        body: String,
        /// Index values.
        indexes: Vec<(Index, String)>,
    },
    /// Deletes a document.
    Delete {
        /// Its key.
        key: Key,
        /// Precondition; [`Expect::Anything`] deletes if it is there.
        expect: Expect,
    },
    /// Fails the batch unless the expectation holds, and conflicts with every concurrent change or
    /// delete of the document, on every backend. It does not change the visible version.
    Assert {
        /// The key.
        key: Key,
        /// What must hold.
        expect: Expect,
    },
}

impl Expect {
    /// Whether the expectation holds of what is there now.
    pub fn holds(self, found: Option<Version>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => found.is_none(),
            Self::Exists => found.is_some(),
            Self::Number(number) => found.is_some_and(|version| version.number == number),
            Self::Untouched(version) => found == Some(version),
        }
    }
}

impl Operation {
    /// The document that it is about.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Assert { key, .. } => key,
        }
    }

    /// Its precondition.
    pub fn expect(&self) -> Expect {
        match self {
            Self::Put { expect, .. }
            | Self::Delete { expect, .. }
            | Self::Assert { expect, .. } => *expect,
        }
    }
}

/// Operations that succeed or fail as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// In order. A key is named by at most one operation.
    pub operations: Vec<Operation>,
}

impl Batch {
    /// Refuses a batch that names a key twice. Since keys differ, all preconditions can be checked
    /// against the state before the batch; backends rely on that.
    pub(crate) fn refuse_repeated_keys(&self) -> Result<(), Error> {
        let mut seen = HashSet::with_capacity(self.operations.len());
        match self.operations.iter().find(|o| !seen.insert(o.key())) {
            None => Ok(()),
            Some(repeated) => Err(Error::RepeatedKey {
                key: repeated.key().clone(),
            }),
        }
    }
}

/// The outcome of a commit: the version number of each `Put`, in the order of the operations. The numbers
/// of one batch follow one another without a gap, so that a document can tell the number of another one
/// that is written with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Key and new version number of each document written.
    pub written: Vec<(Key, u64)>,
}

/// Which documents a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the kind.
    All,
    /// Those below a path: `project` lists `project/...`.
    Under(String),
    /// Those with this index value.
    Indexed(Index, String),
}

/// A list query. Results are ordered by path, so that pages are stable under inserts and deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The kind.
    pub kind: DocumentKind,
    /// Which of them.
    pub scope: Scope,
    /// Only paths greater than this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The documents, by path.
    pub documents: Vec<Stored>,
    /// Whether more follow; go on after the last path.
    pub more: bool,
}

impl Page {
    /// A page of the first `limit` of the documents found; backends look for one more than that.
    pub(crate) fn cut(mut found: Vec<Stored>, limit: usize) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        Self {
            documents: found,
            more,
        }
    }
}

impl Scope {
    /// The bounds, both exclusive, between which the paths below `path` lie: `/` and `0` are
    /// neighbours, so nothing but `path/...` sorts between `path/` and `path0`.
    pub(crate) fn bounds_under(path: &str) -> (String, String) {
        (format!("{path}/"), format!("{path}0"))
    }
}

/// A hint that a document changed; the stream may drop hints when its reader is slow, and then says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This document was written or deleted.
    Document(Key),
    /// Hints were lost: look at everything.
    Missed,
}

/// A lease that was granted. It saves work; it is never what makes something safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Grows with every change of holder.
    pub token: u64,
    /// For how long it was granted, from now, by the store's clock.
    pub remaining: Duration,
}

/// Why a call to the store failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A precondition does not hold; nothing was written.
    #[error("precondition on {key} does not hold")]
    Precondition {
        /// Which document.
        key: Key,
        /// What is there now: `None` when it does not exist.
        found: Option<Version>,
    },
    /// Two operations of a batch name the same document; nothing was written.
    #[error("batch names {key} more than once")]
    RepeatedKey {
        /// Which document.
        key: Key,
    },
    /// A stored document cannot be read.
    #[error("decode {key}")]
    Decode {
        /// Which document.
        key: Key,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A document cannot be written as JSON.
    #[error("encode {key}")]
    Encode {
        /// Which document.
        key: Key,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A document is larger than the backend takes; nothing was written.
    #[error("{key} has {bytes} bytes, the store takes at most {limit}")]
    TooLarge {
        /// Which document.
        key: Key,
        /// Its size, as the backend counts.
        bytes: usize,
        /// What it takes.
        limit: usize,
    },
    /// The backend is busy, full or gone for now.
    #[error("store is unavailable while it should {doing}")]
    Unavailable {
        /// What we were doing.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The backend has no space left; nothing was written. It goes on by itself when there is space.
    #[error("store has no space left to {doing}")]
    Full {
        /// What we were doing.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The backend failed in a way that a retry does not mend.
    #[error("store failed to {doing}")]
    Backend {
        /// What we were doing.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Full { .. } => true,
            Self::Precondition { .. }
            | Self::RepeatedKey { .. }
            | Self::Decode { .. }
            | Self::Encode { .. }
            | Self::TooLarge { .. }
            | Self::Backend { .. } => false,
        }
    }

    /// Stable label for metrics and condition reasons.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Precondition { .. } => "precondition",
            Self::RepeatedKey { .. } => "repeated-key",
            Self::Decode { .. } => "decode",
            Self::Encode { .. } => "encode",
            Self::TooLarge { .. } => "document-too-large",
            Self::Unavailable { .. } => "store-unavailable",
            Self::Full { .. } => "store-full",
            Self::Backend { .. } => "store-backend",
        }
    }
}

/// A document store. Every read is linearizable; a list may be older than a commit that runs
/// meanwhile, so decisions made on lists are re-checked by preconditions at commit.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads one document.
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error>;

    /// Reads some documents, in the order of their keys. A backend reads all of them at one moment; stores that
    /// stand before one may read one after the other.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(self.get(key).await?);
        }
        Ok(found)
    }

    /// Lists documents of a kind: of one moment, with everything that was acknowledged to this process before. Where
    /// several processes share a store, what was acknowledged to another may be missing while its server changes.
    async fn list(&self, query: &Query) -> Result<Page, Error>;

    /// Commits a batch: all of it, durably, or nothing. After [`Error::Unavailable`] or
    /// [`Error::Backend`], and when the future is dropped, it may have been either: read again.
    async fn commit(&self, batch: Batch) -> Result<Committed, Error>;

    /// Hints about changes from now on.
    fn changes(&self) -> BoxStream<'static, Change>;

    /// Takes or renews a lease by the store's clock; `None` when somebody else holds it. Its holder
    /// gives it up by renewing it with a `ttl` of zero.
    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error>;
}
