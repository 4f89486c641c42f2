//! Sets of fields, as `managedFields` holds them (`FieldsV1`).
//!
//! A step of a path is the text that stands in `FieldsV1`: `f:name`, `k:{"type":"x"}` or `v:"x"`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// A set of paths: the steps that end here, and what lies below others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    pub(super) members: BTreeSet<String>,
    pub(super) children: BTreeMap<String, Self>,
}

impl FieldSet {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    pub(super) fn has(&self, step: &str) -> bool {
        self.members.contains(step)
    }

    /// What lies below a step.
    pub(super) fn below(&self, step: &str) -> Option<&Self> {
        self.children.get(step).filter(|set| !set.is_empty())
    }

    pub(super) fn insert(&mut self, path: &[String]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.members.extend(other.members.iter().cloned());
        for (step, set) in &other.children {
            let merged = all
                .children
                .get(step)
                .map_or_else(|| set.clone(), |mine| mine.union(set));
            all.children.insert(step.clone(), merged);
        }
        all
    }

    pub(super) fn difference(&self, other: &Self) -> Self {
        let without = |step: &String, set: &Self| {
            let left = other
                .children
                .get(step)
                .map_or_else(|| set.clone(), |theirs| set.difference(theirs));
            (!left.is_empty()).then(|| (step.clone(), left))
        };
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self
                .children
                .iter()
                .filter_map(|(step, set)| without(step, set))
                .collect(),
        }
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let common = |step: &String, set: &Self| {
            let both = set.intersection(other.children.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        };
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: self
                .children
                .iter()
                .filter_map(|(step, set)| common(step, set))
                .collect(),
        }
    }

    /// Without a path and all that lies below it.
    pub(super) fn without(&self, path: &[&str]) -> Self {
        let mut left = self.clone();
        match path {
            [] => {}
            [last] => {
                left.members.remove(*last);
                left.children.remove(*last);
            }
            [first, rest @ ..] => {
                if let Some(set) = left.children.get(*first) {
                    let set = set.without(rest);
                    left.children.insert((*first).to_owned(), set);
                }
            }
        }
        left.children.retain(|_, set| !set.is_empty());
        left
    }

    /// Every path, as it stands in messages.
    pub(super) fn paths(&self) -> Vec<String> {
        let steps: BTreeSet<&String> = self.members.iter().chain(self.children.keys()).collect();
        let mut paths = Vec::new();
        for step in steps {
            let text = printed(step);
            if self.members.contains(step) {
                paths.push(text.clone());
            }
            if let Some(set) = self.children.get(step) {
                paths.extend(set.paths().into_iter().map(|rest| format!("{text}{rest}")));
            }
        }
        paths
    }

    /// Reads `FieldsV1`; what is no set is an empty one.
    pub(super) fn read(value: &Value) -> Self {
        let mut set = Self::default();
        for (step, inner) in value.as_object().into_iter().flatten() {
            if step == "." {
                continue;
            }
            let inner_map = inner.as_object();
            if inner_map.is_none_or(|map| map.is_empty() || map.contains_key(".")) {
                set.members.insert(step.clone());
            }
            let below = Self::read(inner);
            if !below.is_empty() {
                set.children.insert(step.clone(), below);
            }
        }
        set
    }

    /// `FieldsV1` of the set.
    pub(super) fn write(&self) -> Value {
        let mut map = Map::new();
        for (step, set) in &self.children {
            if set.is_empty() {
                continue;
            }
            let mut inner = set.write();
            if self.members.contains(step) {
                inner["."] = json!({});
            }
            map.insert(step.clone(), inner);
        }
        for step in &self.members {
            map.entry(step.clone()).or_insert_with(|| json!({}));
        }
        Value::Object(map)
    }
}

fn printed(step: &str) -> String {
    if let Some(name) = step.strip_prefix("f:") {
        return format!(".{name}");
    }
    if let Some(value) = step.strip_prefix("v:") {
        return format!("[={value}]");
    }
    let keys: Map<String, Value> = step
        .strip_prefix("k:")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let keys: Vec<_> = keys
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("[{}]", keys.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: &Value) -> FieldSet {
        FieldSet::read(value)
    }

    #[test]
    fn what_was_read_is_written_again() {
        for value in [
            json!({}),
            json!({ "f:data": { ".": {}, "f:a": {} }, "f:type": {} }),
            json!({ "f:metadata": { "f:labels": { "f:a/b": {} } } }),
            json!({ "f:status": { "f:conditions": { "k:{\"type\":\"A\"}": { ".": {}, "f:type": {} } } } }),
        ] {
            assert_eq!(set(&value).write(), value);
        }
    }

    #[test]
    fn sets_are_added_and_taken_away_path_by_path() {
        let one = set(&json!({ "f:data": { ".": {}, "f:a": {}, "f:b": {} } }));
        let other = set(&json!({ "f:data": { "f:b": {}, "f:c": {} } }));
        assert_eq!(
            one.difference(&other),
            set(&json!({ "f:data": { ".": {}, "f:a": {} } }))
        );
        assert_eq!(
            one.intersection(&other),
            set(&json!({ "f:data": { "f:b": {} } }))
        );
        let all = json!({ "f:data": { ".": {}, "f:a": {}, "f:b": {}, "f:c": {} } });
        assert_eq!(one.union(&other), set(&all));
        assert!(one.difference(&one).is_empty());
        assert!(one.without(&["f:data"]).is_empty());
    }

    #[test]
    fn paths_read_as_in_messages() {
        let value = json!({
            "f:data": { "f:a.b": {} }, "f:l": { "k:{\"type\":\"A\"}": { ".": {} }, "v:\"x\"": {} },
        });
        assert_eq!(
            set(&value).paths(),
            [".data.a.b", ".l[type=\"A\"]", ".l[=\"x\"]"]
        );
    }
}
