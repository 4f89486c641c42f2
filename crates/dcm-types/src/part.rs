//! The parts of the product that may run apart, and that prove to each other which ones they are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::Violation;

/// A part. A process runs one or more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// REST interface and use cases.
    Api,
    /// CA Key Distribution Controller.
    Ca,
    /// Resource synchronizer.
    Sync,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Api, Self::Ca, Self::Sync];

    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ca => "ca",
            Self::Sync => "sync",
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let mut all = Self::ALL.into_iter();
        all.find(|part| part.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Violation::new(format!("must be one of {known}"), text)
        })
    }
}

/// Several parts, each once.
pub type Parts = BTreeSet<Part>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_read_back_and_others_are_refused() {
        for part in Part::ALL {
            assert_eq!(Part::parse(part.as_str()), Ok(part));
            let json = serde_json::to_string(&part).unwrap();
            assert_eq!(json, format!("\"{}\"", part.as_str()));
        }
        for text in ["", "API", "all", "ca ", "synchronizer"] {
            let refused = Part::parse(text).unwrap_err();
            assert!(refused.rule.contains("api, ca, sync"), "{refused:?}");
        }
    }
}
