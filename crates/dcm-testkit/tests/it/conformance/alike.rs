//! Makes alike what differs between two servers by nature, so that the rest can be compared.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What was seen so far: the first uid of a run is `uid-1`, the first version of an object `version-1`.
#[derive(Default)]
pub(crate) struct Alike {
    uids: Vec<String>,
    versions: BTreeMap<String, Vec<String>>,
}

impl Alike {
    /// The answer without what is of one server only.
    pub(crate) fn make(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(map) => self.map(map),
            Value::Array(items) => items.iter().map(|item| self.make(item)).collect(),
            Value::String(text) => json!(self.text(text)),
            other => other.clone(),
        }
    }

    fn map(&mut self, map: &Map<String, Value>) -> Value {
        let uid = map.get("uid").and_then(Value::as_str).unwrap_or_default();
        let mut alike = Map::new();
        // The uid first: it decides how the version is called.
        if !uid.is_empty() {
            alike.insert("uid".to_owned(), json!(self.uid(uid)));
        }
        for (name, value) in map {
            let value = match (name.as_str(), value) {
                ("uid", Value::String(_)) if !uid.is_empty() => continue,
                ("resourceVersion", Value::String(version)) => json!(self.version(uid, version)),
                ("managedFields", Value::Array(entries)) => self.managers(entries),
                ("continue", Value::String(text)) if !text.is_empty() => json!("(continue)"),
                ("token" | "certificate", Value::String(_)) => json!(format!("({name})")),
                ("authentication.kubernetes.io/credential-id", _) => json!("(credential)"),
                (_, value) => self.make(value),
            };
            alike.insert(name.clone(), value);
        }
        Value::Object(alike)
    }

    fn uid(&mut self, uid: &str) -> String {
        let known = self.uids.iter().position(|known| known == uid);
        let number = known.unwrap_or_else(|| {
            self.uids.push(uid.to_owned());
            self.uids.len() - 1
        });
        format!("uid-{}", number + 1)
    }

    fn version(&mut self, uid: &str, version: &str) -> String {
        if uid.is_empty() || version.is_empty() {
            return "(version)".to_owned();
        }
        let versions = self.versions.entry(uid.to_owned()).or_default();
        let known = versions.iter().position(|known| known == version);
        let number = known.unwrap_or_else(|| {
            versions.push(version.to_owned());
            versions.len() - 1
        });
        format!("version-{}", number + 1)
    }

    /// Entries are ordered by time, which is not the same.
    fn managers(&mut self, entries: &[Value]) -> Value {
        let mut entries: Vec<Value> = entries.iter().map(|entry| self.make(entry)).collect();
        entries.sort_by_key(|entry| {
            format!(
                "{} {} {}",
                entry["manager"], entry["operation"], entry["subresource"]
            )
        });
        json!(entries)
    }

    fn text(&self, text: &str) -> String {
        if is_time(text) {
            return "(time)".to_owned();
        }
        if text.contains("-----BEGIN") {
            return "(pem)".to_owned();
        }
        let mut text = text.to_owned();
        for (number, uid) in self.uids.iter().enumerate() {
            text = text.replace(uid, &format!("uid-{}", number + 1));
        }
        for versions in self.versions.values() {
            for (number, version) in versions.iter().enumerate() {
                // Numbers elsewhere may be anything.
                text = text.replace(
                    &format!("({version})"),
                    &format!("(version-{})", number + 1),
                );
            }
        }
        text
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20
        && text.as_bytes()[10] == b'T'
        && text.ends_with('Z')
        && text.parse::<dcm_types::Timestamp>().is_ok()
}

#[test]
fn uids_versions_and_times_are_named_by_their_order() {
    let mut alike = Alike::default();
    let object = |version: &str| json!({ "metadata": { "uid": "abc", "resourceVersion": version, "creationTimestamp": "2026-01-01T00:00:00Z" } });
    let expected = |version: &str| json!({ "metadata": { "uid": "uid-1", "resourceVersion": version, "creationTimestamp": "(time)" } });
    assert_eq!(alike.make(&object("704")), expected("version-1"));
    assert_eq!(alike.make(&object("709")), expected("version-2"));
    assert_eq!(alike.make(&object("704")), expected("version-1"));
    assert_eq!(
        alike.make(&json!("uid abc at (709) of 709")),
        json!("uid uid-1 at (version-2) of 709")
    );
}
