//! The hash of a link in a chain of records: of the hash before it, its chain and position, and its record's text.
//!
//! So an edited or deleted record, and an edited, deleted or moved link, is found at the first place where it matters.

use sha2::{Digest as _, Sha256};

/// The hash of a link, hex. The first one follows the empty text.
pub fn link_hash(previous: &str, chain: &str, sequence: u64, record: &str) -> String {
    let mut hash = Sha256::new();
    for part in [previous.as_bytes(), chain.as_bytes(), record.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(sequence.to_be_bytes());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_none_flows_into_another() {
        let links = [
            link_hash("a", "b", 1, "c"),
            link_hash("", "b", 1, "c"),
            link_hash("a", "bc", 1, ""),
            link_hash("ab", "", 1, "c"),
            link_hash("a", "b", 2, "c"),
        ];
        for (index, one) in links.iter().enumerate() {
            assert!(links.iter().skip(index + 1).all(|other| other != one));
        }
    }
}
