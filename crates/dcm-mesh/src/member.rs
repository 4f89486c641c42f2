//! What differs between the members of one mesh, and what stands for it in a rendering that serves them all.

use dcm_types::Violation;

use crate::Error;

/// Longest name of a member in a mesh: a label's value.
const LIMIT: usize = 63;

/// In every text that stands for something, and in no other.
const MARK: &str = "dcm-stand-in";

/// One member as its control plane knows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, unique in the mesh; the default of a renderer is the same for all.
    cluster: String,
    /// Its network: pods of two networks reach each other through gateways only.
    network: String,
}

impl Member {
    /// Both texts become parts of labels, of addresses and of texts in JSON: so letters, digits, `-` and `.`.
    pub fn new(cluster: &str, network: &str) -> Result<Self, Error> {
        for (field, text) in [("cluster", cluster), ("network", network)] {
            check(text).map_err(|violation| Error::Invalid { field, violation })?;
        }
        Ok(Self {
            cluster: cluster.to_owned(),
            network: network.to_owned(),
        })
    }

    /// Stands for any member while a manifest is rendered.
    pub fn stand_in() -> Self {
        Self {
            cluster: format!("{MARK}-of-a-cluster"),
            network: format!("{MARK}-of-a-network"),
        }
    }

    /// Its name.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Its network.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Replaces what stands for a member in a text, for example in a whole rendered manifest. A text without it stays
    /// as it is.
    pub fn fill(&self, text: &str) -> String {
        // Nearly all texts, and some of them are long.
        if !text.contains(MARK) {
            return text.to_owned();
        }
        let stand_in = Self::stand_in();
        text.replace(&stand_in.cluster, &self.cluster)
            .replace(&stand_in.network, &self.network)
    }
}

fn check(text: &str) -> Result<(), Violation> {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let good = bytes.len() <= LIMIT
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(inside);
    // Else a member could be called what stands for another value of it.
    if good && !text.contains(MARK) {
        return Ok(());
    }
    let rule = "must be 1 to 63 letters, digits, '-' and '.', with a letter or digit at both ends, and without \
                'dcm-stand-in'";
    Err(Violation::new(rule, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_stay_one_text_are_refused() {
        let long = "a".repeat(64);
        for text in [
            "",
            "a b",
            "a\"b",
            "a\nb",
            "-a",
            "a-",
            "a/b",
            "ä",
            &long,
            "x-dcm-stand-in-of-a-network",
        ] {
            assert!(Member::new(text, "n").is_err(), "{text}");
            assert!(Member::new("c", text).is_err(), "{text}");
        }
        assert!(Member::new("edges.Berlin-1", "n").is_ok());
    }

    #[test]
    fn stand_ins_are_replaced_inside_of_longer_texts() {
        let member = Member::new("berlin", "berlin-net").unwrap();
        let stand_in = Member::stand_in();
        let text = format!(
            "{{\"a\": \"{}\", \"b\": \"x/{}\"}}",
            stand_in.cluster(),
            stand_in.network()
        );
        assert_eq!(
            member.fill(&text),
            r#"{"a": "berlin", "b": "x/berlin-net"}"#
        );
    }
}
