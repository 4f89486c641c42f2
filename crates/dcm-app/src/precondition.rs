//! Versions as callers see them: what was saved, and what must hold before a write.

use dcm_store::Versioned;

use crate::Error;

/// A document with the version that is its `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved<D> {
    /// The document.
    pub document: D,
    /// Its version.
    pub version: u64,
}

impl<D> Saved<D> {
    pub(crate) fn map<E>(self, convert: impl FnOnce(D) -> E) -> Saved<E> {
        Saved {
            document: convert(self.document),
            version: self.version,
        }
    }
}

impl<D> From<Versioned<D>> for Saved<D> {
    fn from(found: Versioned<D>) -> Self {
        Self {
            document: found.document,
            version: found.version.number,
        }
    }
}

/// The outcome of a write that creates or updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<D> {
    /// What was saved.
    pub saved: Saved<D>,
    /// Whether it did not exist before.
    pub created: bool,
}

/// What the caller demands of the present version (`If-Match`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// It is one of these.
    Match(Vec<u64>),
    /// The object exists (`If-Match: *`).
    Exists,
}

impl Precondition {
    /// Holds it against what is there; `None`: there is nothing.
    pub(crate) fn check<D>(&self, found: Option<&Versioned<D>>) -> Result<(), Error> {
        let version = found.map(|found| found.version.number);
        let holds = match self {
            Self::None => true,
            Self::Match(versions) => version.is_some_and(|version| versions.contains(&version)),
            Self::Exists => version.is_some(),
        };
        if holds {
            return Ok(());
        }
        Err(Error::precondition(match version {
            Some(version) => format!("the object has another version by now: {version}"),
            None => "the object does not exist".to_owned(),
        }))
    }
}
