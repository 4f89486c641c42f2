//! The one name of a mesh: its namespace and its revision in every member.
//!
//! A revision is a label's value and a part of `istiod-REVISION`, a Service. It captures pods of *any* namespace
//! that has it as a label, so no two meshes in one cluster may share one, whatever their projects.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Violation;

const PREFIX: &str = "istio-";
/// Longest name: `istiod-` before it still is an RFC 1123 label.
const LIMIT: usize = 56;
/// Hex digits of the hash.
const DIGITS: usize = 10;
/// Room for what a human recognises.
const READABLE: usize = 32;

/// Namespace and revision of a mesh. Made once, stored, and never made anew from a cloud's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MeshName(String);

impl MeshName {
    /// The name of the mesh of a new logical cloud.
    pub fn of(project: &str, cloud: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [project, cloud] {
            // With its length, so that no part can borrow from the next.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let hash = hex::encode(hash.finalize());
        let hash = hash.get(..DIGITS).unwrap_or(&hash);
        let readable = readable(cloud);
        if readable.is_empty() {
            Self(format!("{PREFIX}{hash}"))
        } else {
            Self(format!("{PREFIX}{readable}-{hash}"))
        }
    }

    /// Reads a name that was stored.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let bytes = text.as_bytes();
        let inside = bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if text.len() > LIMIT || !text.starts_with(PREFIX) || !inside || text.ends_with('-') {
            let rule =
                "must be a label (RFC 1123) of at most 56 characters that begins with 'istio-'";
            return Err(Violation::new(rule, text));
        }
        // The namespace of an installation that belongs to nobody's cloud.
        if text == "istio-system" {
            return Err(Violation::new("must not be 'istio-system'", text));
        }
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MeshName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for MeshName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|violation| violation.rule)
    }
}

impl From<MeshName> for String {
    fn from(name: MeshName) -> Self {
        name.0
    }
}

/// Lower-case letters, digits and single dashes.
fn readable(text: &str) -> String {
    let mut readable = String::new();
    for character in text.chars().map(|character| character.to_ascii_lowercase()) {
        if readable.len() == READABLE {
            break;
        }
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            readable.push(character);
        } else if !readable.ends_with('-') {
            readable.push('-');
        }
    }
    readable.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn ten_thousand_random_pairs_give_unique_and_valid_names() {
        let mut runner = TestRunner::deterministic();
        let name = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,126}[A-Za-z0-9])?";
        let pair = (name, name);
        let (mut pairs, mut names) = (HashSet::new(), HashSet::new());
        while pairs.len() < 10_000 {
            let (project, cloud) = pair.new_tree(&mut runner).unwrap().current();
            let made = MeshName::of(&project, &cloud);
            assert_eq!(MeshName::parse(made.as_str()), Ok(made.clone()));
            if pairs.insert((project, cloud)) {
                assert!(names.insert(made.clone()), "{made}");
            }
        }
    }

    #[test]
    fn the_same_cloud_of_two_projects_and_shifted_parts_have_different_names() {
        let made = [("a", "bc"), ("ab", "c"), ("b", "bc"), ("a", "BC")]
            .map(|(project, cloud)| MeshName::of(project, cloud));
        assert_eq!(HashSet::from(made).len(), 4);
    }

    #[test]
    fn a_name_never_changes_with_the_program() {
        assert_eq!(
            MeshName::of("acme", "Shop_Front.1").as_str(),
            "istio-shop-front-1-9790538868"
        );
    }

    #[test]
    fn names_that_break_a_rule_are_refused() {
        let long = format!("istio-{}", "a".repeat(51));
        for text in [
            "",
            "istio-system",
            "default",
            "shop-1",
            "istio-",
            "istio-A",
            "istio-a_b",
            &long,
        ] {
            assert!(MeshName::parse(text).is_err(), "{text}");
        }
    }
}
