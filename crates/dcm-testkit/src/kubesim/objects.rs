//! The objects of one API server and the log of their changes, from which watches are told.
//!
//! Objects are kept as compact JSON text, not as values: a thousand servers must fit into a test. The log
//! is short; whoever asks for older changes gets 410.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::KindId;

/// Version of what a new server begins with.
const FIRST: u64 = 100;
/// Most bytes that the log takes, unless more are allowed.
const LOG_BYTES: usize = 64 * 1024;
/// What one change takes beside its texts, about.
const CHANGE_BYTES: usize = 160;

/// Where an object is. Ordered as lists are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectKey {
    pub(super) kind: KindId,
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
}

impl ObjectKey {
    pub(super) fn new(kind: KindId, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

/// One change: what was there before, and what is there now or was there last.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) key: ObjectKey,
    pub(super) before: Option<Arc<str>>,
    pub(super) after: Arc<str>,
    pub(super) gone: bool,
}

/// Objects, and what happened to them lately.
#[derive(Debug)]
pub(super) struct Objects {
    present: BTreeMap<ObjectKey, Arc<str>>,
    log: VecDeque<Change>,
    log_bytes: usize,
    log_limit: usize,
    /// Version of the last change.
    version: u64,
    /// Changes up to here are forgotten.
    forgotten: u64,
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

impl Change {
    pub(super) fn object(&self) -> Value {
        parse(&self.after)
    }

    pub(super) fn former(&self) -> Option<Value> {
        self.before.as_deref().map(parse)
    }
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            present: BTreeMap::new(),
            log: VecDeque::new(),
            log_bytes: 0,
            log_limit: LOG_BYTES,
            version: 0,
            forgotten: 0,
        }
    }
}

impl Objects {
    /// Keeps a longer log.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.log_limit = bytes;
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Changes up to this version cannot be told any more.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<Value> {
        self.present.get(key).map(|text| parse(text))
    }

    pub(super) fn contains(&self, key: &ObjectKey) -> bool {
        self.present.contains_key(key)
    }

    /// Keys of a kind, in one namespace or in all.
    pub(super) fn keys(&self, kind: KindId, namespace: Option<&str>) -> Vec<ObjectKey> {
        let first = ObjectKey::new(kind, namespace.unwrap_or_default(), "");
        let of_kind = self
            .present
            .range((Bound::Included(first), Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.kind == kind);
        of_kind
            .take_while(|key| namespace.is_none_or(|namespace| *key.namespace == *namespace))
            .cloned()
            .collect()
    }

    /// Objects of a kind, in one namespace or in all, in order.
    pub(super) fn list(&self, kind: KindId, namespace: Option<&str>) -> Vec<Value> {
        let keys = self.keys(kind, namespace);
        keys.iter().filter_map(|key| self.get(key)).collect()
    }

    /// The keys and texts of a kind as they were at a version; `None` when that is forgotten.
    pub(super) fn snapshot(
        &self,
        kind: KindId,
        namespace: Option<&str>,
        version: u64,
    ) -> Option<Vec<(ObjectKey, Arc<str>)>> {
        if version < self.forgotten {
            return None;
        }
        let keys = self.keys(kind, namespace).into_iter();
        let mut all: BTreeMap<_, _> = keys
            .filter_map(|key| Some((key.clone(), Arc::clone(self.present.get(&key)?))))
            .collect();
        let later = self
            .log
            .iter()
            .rev()
            .take_while(|change| change.version > version);
        for change in later.filter(|change| {
            change.key.kind == kind
                && namespace.is_none_or(|namespace| *change.key.namespace == *namespace)
        }) {
            match &change.before {
                Some(before) => all.insert(change.key.clone(), Arc::clone(before)),
                None => all.remove(&change.key),
            };
        }
        Some(all.into_iter().collect())
    }

    /// Writes an object and returns it with its new version.
    pub(super) fn put(&mut self, key: ObjectKey, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let after: Arc<str> = object.to_string().into();
        let before = self.present.insert(key.clone(), Arc::clone(&after));
        self.remember(key, before, after, false);
        object
    }

    /// Writes many objects at once that nobody was told of: what a new server begins with.
    pub(super) fn load(&mut self, key: ObjectKey, text: Arc<str>) {
        self.present.insert(key, text);
        self.version = self.version.max(FIRST);
        self.forgotten = self.version;
    }

    /// Removes an object; returns its last state, with the version of its end.
    pub(super) fn remove(&mut self, key: &ObjectKey, last: Option<Value>) -> Option<Value> {
        let before = self.present.remove(key)?;
        self.version += 1;
        let mut object = last.unwrap_or_else(|| parse(&before));
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let after: Arc<str> = object.to_string().into();
        self.remember(key.clone(), Some(before), after, true);
        Some(object)
    }

    fn remember(&mut self, key: ObjectKey, before: Option<Arc<str>>, after: Arc<str>, gone: bool) {
        let change = Change {
            version: self.version,
            key,
            before,
            after,
            gone,
        };
        self.log_bytes += change.bytes();
        self.log.push_back(change);
        while self.log_bytes > self.log_limit && self.log.len() > 1 {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        if let Some(change) = self.log.pop_front() {
            self.log_bytes -= change.bytes();
            self.forgotten = change.version;
        }
    }

    /// Forgets all changes, as compaction does: from here on older watches get 410.
    pub(super) fn compact(&mut self) {
        while !self.log.is_empty() {
            self.forget_one();
        }
        self.forgotten = self.version;
    }

    /// Changes after a version, oldest first; `None` when some of them are forgotten.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let start = self.log.partition_point(|change| change.version <= version);
        (version >= self.forgotten).then(|| self.log.range(start..))
    }

    /// Bytes of all texts, each counted once, for the measure of memory.
    pub(super) fn text_bytes(&self) -> usize {
        self.present.values().map(|text| text.len()).sum::<usize>() + self.log_bytes
    }
}

impl Change {
    fn bytes(&self) -> usize {
        // The text after a change is that of the object, or that before the next one.
        let before = self.before.as_ref().map_or(0, |text| text.len());
        CHANGE_BYTES + before + if self.gone { self.after.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new(0, "n", name)
    }

    fn object(value: u32) -> Value {
        json!({ "metadata": {}, "value": value })
    }

    #[test]
    fn a_snapshot_shows_what_was_there_at_its_version() {
        let mut objects = Objects::default();
        objects.put(key("a"), object(1));
        objects.put(key("b"), object(1));
        let version = objects.version();
        objects.put(key("a"), object(2));
        objects.remove(&key("b"), None);
        objects.put(key("c"), object(1));
        let names = |version| -> Vec<String> {
            let all = objects.snapshot(0, None, version).unwrap();
            let texts = all
                .iter()
                .map(|(key, text)| format!("{}{}", key.name, parse(text)["value"]));
            texts.collect()
        };
        assert_eq!(names(version), ["a1", "b1"]);
        assert_eq!(names(objects.version()), ["a2", "c1"]);
    }

    #[test]
    fn old_changes_are_forgotten_and_asking_for_them_says_so() {
        let mut objects = Objects::default();
        for value in 0..1_000 {
            objects.put(key("a"), object(value));
        }
        assert!(objects.since(1).is_none());
        assert_eq!(objects.since(998).unwrap().count(), 2);
        assert!(objects.log_bytes <= LOG_BYTES);
        objects.compact();
        assert!(objects.since(999).is_none());
        assert_eq!(objects.since(1_000).unwrap().count(), 0);
    }
}
