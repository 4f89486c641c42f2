//! The error of every use case: a kind and a public message on one side, the internal cause on the
//! other, so that they cannot be mixed up.

use std::error::Error as StdError;

use dcm_types::{Fault, Key, Kind, Violation};

/// Why a use case was refused or failed. `Display` shows the public message only.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure.
    pub kind: Kind,
    /// What happened, for the caller.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The fields at fault.
    pub faults: Vec<Fault>,
    /// What went wrong inside, for the log only.
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
    why: Why,
}

/// What a use case needs to know to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// Nothing.
    Told,
    /// Something that was read changed before the commit: the whole may be tried again.
    Raced,
    /// A document of this name exists already.
    Taken,
    /// This document does not exist.
    Missing(Box<Key>),
}

impl Error {
    /// An error of a kind with its public message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            faults: Vec::new(),
            source: None,
            why: Why::Told,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names a field that is at fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Bad input, with every fault of it.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        Self {
            faults,
            ..Self::new(Kind::Invalid, "the input breaks rules")
        }
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    pub(crate) fn precondition(message: impl Into<String>) -> Self {
        Self::new(Kind::PreconditionFailed, message).hint("read it again and repeat the change")
    }

    /// A document that does not exist, or that the caller may not know of.
    pub(crate) fn missing(key: &Key, described: &str) -> Self {
        Self {
            why: Why::Missing(Box::new(key.clone())),
            ..Self::new(Kind::NotFound, format!("{described} does not exist"))
        }
    }

    /// A document of this name exists already.
    pub(crate) fn taken(described: &str) -> Self {
        Self {
            why: Why::Taken,
            ..Self::new(Kind::AlreadyExists, format!("{described} exists already"))
        }
    }

    /// For who found nothing of that name before: that it exists by now is a lost race.
    pub(crate) fn raced_if_taken(self) -> Self {
        match self.why {
            Why::Taken => Self {
                why: Why::Raced,
                ..self
            },
            Why::Told | Why::Raced | Why::Missing(_) => self,
        }
    }

    /// Something changed between reading and committing.
    pub(crate) fn raced() -> Self {
        Self {
            why: Why::Raced,
            ..Self::conflict("it was changed by others at the same time").hint("try again")
        }
    }

    /// A fault of ours; the cause is for the log.
    pub(crate) fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..Self::new(Kind::Internal, "internal error")
        }
    }

    pub(crate) fn is_raced(&self) -> bool {
        self.why == Why::Raced
    }

    /// Whether it says that this document is missing.
    pub(crate) fn is_missing(&self, key: &Key) -> bool {
        matches!(&self.why, Why::Missing(missing) if **missing == *key)
    }
}

impl From<dcm_store::Error> for Error {
    fn from(source: dcm_store::Error) -> Self {
        if matches!(source, dcm_store::Error::Full { .. }) {
            return Self {
                source: Some(Box::new(source)),
                ..Self::new(
                    Kind::Unavailable,
                    "the disk of the store is full; nothing was changed",
                )
                .hint("make space on the disk of the data directory; no restart is needed")
            };
        }
        if let dcm_store::Error::TooLarge { bytes, limit, .. } = source {
            return Self {
                source: Some(Box::new(source)),
                ..Self::new(
                    Kind::TooLarge,
                    format!(
                        "the document would have {bytes} bytes; the store takes at most {limit}"
                    ),
                )
                .hint("split what is in it, or make it smaller; nothing was changed")
            };
        }
        if source.retryable() {
            return Self {
                source: Some(Box::new(source)),
                ..Self::new(Kind::Unavailable, "the store is not available").hint("try again later")
            };
        }
        Self::internal(source)
    }
}

impl From<dcm_store::vault::Error> for Error {
    fn from(source: dcm_store::vault::Error) -> Self {
        Self::internal(source)
    }
}

/// Collects faults, so that all of them are reported at once.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, violation: Violation) {
        self.0.push(violation.at(field));
    }

    pub(crate) fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.0.extend(faults);
    }

    /// `Invalid` when there are any.
    pub(crate) fn refuse(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(self.0))
        }
    }
}
