//! The content of key-value documents: lists of small maps, bounded in every direction.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Violation;

/// Longest key, in characters.
const KEY_LIMIT: usize = 128;
/// How many pairs one document holds.
const PAIR_LIMIT: usize = 500;
/// How many objects one document holds.
const ITEM_LIMIT: usize = 500;
/// Largest free content, in bytes of its JSON.
const FREE_LIMIT: usize = 64 * 1024;

/// Longest value of a plain pair, in characters.
pub const VALUE_LIMIT: usize = 128;
/// Longest value of a pair that may be a token, in characters.
pub const SECRET_LIMIT: usize = 4096;

/// A list of maps from text to text. Its `Debug` shows no value: it may be a token.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyValues(Vec<BTreeMap<String, String>>);

impl fmt::Debug for KeyValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.0.iter().flat_map(BTreeMap::keys).collect();
        formatter.debug_tuple("KeyValues").field(&keys).finish()
    }
}

impl KeyValues {
    /// Checks the maps; `limit` is that of a value. Every fault is told, with its place in the list.
    pub fn parse(
        maps: Vec<BTreeMap<String, String>>,
        limit: usize,
    ) -> Result<Self, Vec<(String, Violation)>> {
        let pairs: usize = maps.iter().map(BTreeMap::len).sum();
        if pairs > PAIR_LIMIT || maps.len() > ITEM_LIMIT {
            let rule = format!("must be at most {PAIR_LIMIT} pairs");
            return Err(vec![(
                String::new(),
                Violation::new(rule, &pairs.to_string()),
            )]);
        }
        let mut faults = Vec::new();
        for (index, map) in maps.iter().enumerate() {
            for (key, value) in map {
                let place = || format!("[{index}].{}", Violation::new("", key).got);
                if let Err(violation) = check_key(key) {
                    faults.push((format!("[{index}]"), violation));
                }
                if value.chars().count() > limit {
                    let rule = format!("must be at most {limit} characters");
                    faults.push((place(), Violation::hidden(rule)));
                }
            }
        }
        if faults.is_empty() {
            Ok(Self(maps))
        } else {
            Err(faults)
        }
    }

    /// The form in which pairs with tokens among them are sealed.
    pub fn to_json(&self) -> SecretString {
        let text = serde_json::to_string(self).expect("maps of texts always become JSON");
        SecretString::from(text)
    }

    /// Reads back what [`Self::to_json`] wrote.
    pub fn from_json(json: &[u8]) -> Result<Self, Unreadable> {
        // The library's error may quote the text, so it is not kept.
        serde_json::from_slice(json).map_err(|_| Unreadable)
    }

    /// The maps, in their order.
    pub fn maps(&self) -> &[BTreeMap<String, String>] {
        &self.0
    }

    /// The value of the first map that has this key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find_map(|map| map.get(key))
            .map(String::as_str)
    }
}

/// What was unsealed is not what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read unsealed key-values")]
pub struct Unreadable;

fn check_key(key: &str) -> Result<(), Violation> {
    if key.is_empty() {
        return Err(Violation::new("must not have an empty key", key));
    }
    if key.chars().count() > KEY_LIMIT || key.chars().any(crate::text::is_unprintable) {
        let rule = format!("must have keys of at most {KEY_LIMIT} printable characters");
        return Err(Violation::new(rule, key));
    }
    Ok(())
}

/// A list of JSON objects of any content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeItems(Vec<Map<String, Value>>);

impl FreeItems {
    /// Checks number and size.
    pub fn parse(items: Vec<Map<String, Value>>) -> Result<Self, Violation> {
        if items.len() > ITEM_LIMIT {
            let rule = format!("must be at most {ITEM_LIMIT} objects");
            return Err(Violation::new(rule, &items.len().to_string()));
        }
        let size: usize = items
            .iter()
            .map(|item| serde_json::to_string(item).map_or(usize::MAX, |text| text.len()))
            .fold(0, usize::saturating_add);
        if size > FREE_LIMIT {
            return Err(Violation::hidden("must be at most 64 KiB of JSON"));
        }
        Ok(Self(items))
    }

    /// The objects, in their order.
    pub fn items(&self) -> &[Map<String, Value>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(pairs: &[&[(&str, &str)]]) -> Vec<BTreeMap<String, String>> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs
            .iter()
            .map(|map| map.iter().map(owned).collect())
            .collect()
    }

    #[test]
    fn the_first_map_that_has_a_key_counts() {
        let values =
            KeyValues::parse(maps(&[&[("a", "1")], &[("a", "2"), ("b", "3")]]), 8).unwrap();
        assert_eq!(values.get("a"), Some("1"));
        assert_eq!(values.get("b"), Some("3"));
        assert_eq!(values.get("c"), None);
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let long = "k".repeat(129);
        let faults = KeyValues::parse(
            maps(&[
                &[("", "x")],
                &[("a", "12345"), ("b", "1234")],
                &[(&long, "")],
            ]),
            4,
        )
        .unwrap_err();
        let places: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["[0]", "[1].a", "[2]"]);
        assert!(faults.iter().all(|(_, violation)| violation.got != "12345"));
    }

    #[test]
    fn their_number_and_size_are_bounded() {
        let many = |count: usize| {
            let map = (0..count)
                .map(|i| (format!("k{i}"), String::new()))
                .collect();
            KeyValues::parse(vec![map], 4)
        };
        assert!(many(500).is_ok());
        assert!(many(501).is_err());
        assert!(KeyValues::parse(vec![BTreeMap::new(); 501], 4).is_err());
        let item =
            |length: usize| Map::from_iter([("k".to_owned(), Value::from("x".repeat(length)))]);
        assert!(FreeItems::parse(vec![item(64 * 1024 - 8)]).is_ok());
        assert!(FreeItems::parse(vec![item(64 * 1024 - 7)]).is_err());
        assert!(FreeItems::parse(vec![Map::new(); 501]).is_err());
    }

    #[test]
    fn debug_shows_no_value() {
        let values = KeyValues::parse(maps(&[&[("gitToken", "DCMCANARY")]]), 64).unwrap();
        let shown = format!("{values:?}");
        assert!(
            shown.contains("gitToken") && !shown.contains("CANARY"),
            "{shown}"
        );
    }
}
