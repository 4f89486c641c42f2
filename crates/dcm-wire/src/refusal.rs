//! What comes out of reading a body: a draft with the members that nobody knows, or every fault of it.

use std::fmt;

use dcm_types::{Fault, Kind, Violation};

use crate::json;

/// How members that no reader knows are treated (as Kubernetes does it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// Dropped in silence.
    Ignore,
    /// Dropped, and told to the caller.
    #[default]
    Warn,
    /// Refused.
    Strict,
}

impl FieldValidation {
    /// Reads the value of the query parameter, in Kubernetes' spelling.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        match text {
            "Ignore" => Ok(Self::Ignore),
            "Warn" => Ok(Self::Warn),
            "Strict" => Ok(Self::Strict),
            _ => Err(Violation::new("must be Ignore, Warn or Strict", text)),
        }
    }
}

/// A member that no reader knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMember {
    /// Its dotted path, shortened and printable.
    pub field: String,
    /// The nearest known path, if one is near.
    pub nearest: Option<String>,
}

impl fmt::Display for UnknownMember {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown member '{}'", self.field)?;
        match &self.nearest {
            Some(nearest) => write!(formatter, ", did you mean '{nearest}'?"),
            None => formatter.write_str(" was ignored"),
        }
    }
}

/// A body that was read.
#[derive(Clone)]
pub struct Decoded<D> {
    /// What the caller wants to write.
    pub draft: D,
    /// Members that were dropped; empty when they are ignored.
    pub unknown: Vec<UnknownMember>,
}

/// A body that was refused, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// [`Kind::Undecodable`] when a value has the wrong JSON type, otherwise [`Kind::Invalid`].
    pub kind: Kind,
    /// A sentence for people.
    pub detail: String,
    /// Field by field.
    pub faults: Vec<Fault>,
}

impl Refusal {
    /// A refusal of values.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        Self {
            kind: Kind::Invalid,
            detail: summary(&faults),
            faults,
        }
    }

    /// A refusal of JSON types.
    pub fn undecodable(faults: Vec<Fault>) -> Self {
        Self {
            kind: Kind::Undecodable,
            detail: summary(&faults),
            faults,
        }
    }
}

impl From<json::Error> for Refusal {
    fn from(error: json::Error) -> Self {
        let kind = match error {
            json::Error::Empty => Kind::Invalid,
            json::Error::Malformed(_) => Kind::Undecodable,
        };
        Self {
            kind,
            detail: error.to_string(),
            faults: Vec::new(),
        }
    }
}

/// One sentence that names the first fault and counts the others.
fn summary(faults: &[Fault]) -> String {
    match faults {
        [] => "the document is not valid".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
    }
}
