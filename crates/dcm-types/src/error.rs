//! The one vocabulary of error kinds, and the shape in which bad input is reported.
//!
//! Each transport maps [`Kind`] in exactly one file, by an exhaustive `match`.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of failure this is, for every part and every transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The object, or its parent, does not exist, or the caller may not know that it does.
    NotFound,
    /// An object of this name exists already.
    AlreadyExists,
    /// The input breaks a rule; the faults name field and rule.
    Invalid,
    /// The body could not be decoded at all.
    Undecodable,
    /// The present state does not allow this, or it changed meanwhile.
    Conflict,
    /// A precondition that the caller gave (`If-Match`) does not hold.
    PreconditionFailed,
    /// The caller did not say who they are.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// The body is larger than allowed.
    TooLarge,
    /// Waiting ended before the condition held.
    TimedOut,
    /// Try again later.
    Unavailable,
    /// A fault of ours; details are in the log only.
    Internal,
}

impl Kind {
    /// Every kind: for tables that must leave none out.
    pub const ALL: [Self; 12] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Invalid,
        Self::Undecodable,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::TooLarge,
        Self::TimedOut,
        Self::Unavailable,
        Self::Internal,
    ];

    /// A stable label for metrics, condition reasons and problem types.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::Invalid => "invalid",
            Self::Undecodable => "undecodable",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition-failed",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too-large",
            Self::TimedOut => "timed-out",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// A rule that a value breaks; the field is added by whoever knows it ([`Violation::at`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct Violation {
    /// The rule, as a sentence part that a user can act on, for example `must be at most 63 characters`.
    pub rule: String,
    /// The refused value, shortened and free of control characters; empty when it must not be shown.
    pub got: String,
    /// What to do instead, if there is something better to say than the rule.
    pub hint: Option<String>,
}

/// Longest part of a refused value that is shown back, in characters.
const SHOWN: usize = 64;

impl Violation {
    /// A violation that shows the refused value.
    pub fn new(rule: impl Into<String>, got: &str) -> Self {
        Self {
            rule: rule.into(),
            got: shorten(got),
            hint: None,
        }
    }

    /// A violation that does not show the value, because it may hold a secret.
    pub fn hidden(rule: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            got: String::new(),
            hint: None,
        }
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the field, in the dotted form of the document (`spec.user.userName`).
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Fault {
        Fault {
            field: field.into(),
            rule: self.rule,
            got: self.got,
            hint: self.hint,
        }
    }
}

/// One fault of an input: which field breaks which rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Dotted path in the document as the caller wrote it.
    pub field: String,
    /// The rule.
    pub rule: String,
    /// The refused value, shortened; empty when it must not be shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub got: String,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.field, self.rule)?;
        if let Some(hint) = &self.hint {
            write!(formatter, " ({hint})")?;
        }
        Ok(())
    }
}

/// The whole chain of an error on one line: `outer: middle: root`. A link that only repeats what stands
/// there already (many errors of libraries do) is left out.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let link = inner.to_string();
        if !text.ends_with(&link) {
            text.push_str(": ");
            text.push_str(&link);
        }
        source = inner.source();
    }
    text
}

fn shorten(value: &str) -> String {
    let mut shown: String = value
        .chars()
        .take(SHOWN)
        .map(|c| {
            if crate::text::is_unprintable(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if value.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn links_that_repeat_the_one_before_are_left_out() {
        let root = Link {
            text: "refused",
            source: None,
        };
        let again = Link {
            text: "connect: refused",
            source: Some(Box::new(root)),
        };
        let same = Link {
            text: "connect: refused",
            source: Some(Box::new(again)),
        };
        let outer = Link {
            text: "read the version",
            source: Some(Box::new(same)),
        };
        assert_eq!(chain(&outer), "read the version: connect: refused");
    }
}
