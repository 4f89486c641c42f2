//! `metadata.managedFields`: who owns which field, after an update and after an apply.

use serde_json::{Value, json};

use super::fields::FieldSet;
use super::kinds::Kind;
use super::merge::{compare, fields, merge, remove, with_named};
use super::message::Refusal;
use super::shape::Shape;

/// One owner with its fields.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    manager: String,
    operation: &'static str,
    api_version: String,
    subresource: String,
    time: String,
    fields: FieldSet,
}

/// The owners of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Managers(Vec<Entry>);

/// Who writes, how, and when.
#[derive(Debug, Clone)]
pub(super) struct Writer<'a> {
    pub(super) kind: &'a Kind,
    pub(super) manager: String,
    pub(super) subresource: String,
    pub(super) time: String,
}

impl Managers {
    /// Reads them out of an object.
    pub(super) fn of(object: &Value) -> Self {
        Self::read(&object["metadata"]["managedFields"]).unwrap_or_default()
    }

    /// `None` when that is no list of entries.
    pub(super) fn read(list: &Value) -> Option<Self> {
        let entries = list.as_array()?.iter();
        entries.map(Entry::read).collect::<Option<_>>().map(Self)
    }

    /// Writes them into an object.
    pub(super) fn write(mut self, object: &mut Value) {
        self.0.sort_by(|one, other| one.order().cmp(&other.order()));
        let list: Vec<Value> = self.0.iter().map(Entry::write).collect();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
            if !list.is_empty() {
                metadata.insert("managedFields".to_owned(), json!(list));
            }
        }
    }

    /// The same, of a door of their own.
    #[must_use]
    pub(super) fn through(mut self, subresource: &str) -> Self {
        for entry in &mut self.0 {
            subresource.clone_into(&mut entry.subresource);
        }
        self
    }

    /// Takes the fields of a set from all but one; empty owners go.
    fn take(&mut self, set: &FieldSet, but: Option<&Entry>) {
        for entry in &mut self.0 {
            if but.is_none_or(|but| !entry.is_same_manager(but)) {
                entry.fields = entry.fields.difference(set);
            }
        }
        self.0.retain(|entry| !entry.fields.is_empty());
    }
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let operation = match value["operation"].as_str()? {
            "Apply" => "Apply",
            "Update" => "Update",
            _ => return None,
        };
        Some(Self {
            manager: text("manager"),
            operation,
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            fields: FieldSet::read(&value["fieldsV1"]),
        })
    }

    fn write(&self) -> Value {
        let mut value = json!({
            "manager": self.manager, "operation": self.operation, "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.write(),
        });
        if !self.time.is_empty() {
            value["time"] = json!(self.time);
        }
        if !self.subresource.is_empty() {
            value["subresource"] = json!(self.subresource);
        }
        value
    }

    fn order(&self) -> (&str, &str, &str, &str, &str) {
        (
            self.operation,
            &self.time,
            &self.manager,
            &self.api_version,
            &self.subresource,
        )
    }

    fn is_same_manager(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.api_version == other.api_version
            && self.subresource == other.subresource
    }

    /// As in messages about conflicts.
    fn printed(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        if self.operation == "Update" {
            text = format!("{text} using {}", self.api_version);
        }
        text
    }
}

impl Writer<'_> {
    fn entry(&self, operation: &'static str, fields: FieldSet) -> Entry {
        Entry {
            manager: self.manager.clone(),
            operation,
            api_version: self.kind.api_version(),
            subresource: self.subresource.clone(),
            time: self.time.clone(),
            fields,
        }
    }

    fn shape(&self) -> Shape {
        self.kind.shape
    }

    /// Without what nobody owns: the identity of the object, and what this door does not write.
    fn ownable(&self, set: &FieldSet) -> FieldSet {
        const UNOWNED: [&str; 9] = [
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        ];
        let is_request = self.kind.kind == "CertificateSigningRequest";
        let mut set = set.without(&["f:apiVersion"]).without(&["f:kind"]);
        set.members.remove("f:metadata");
        for name in UNOWNED {
            set = set.without(&["f:metadata", &format!("f:{name}")]);
        }
        let has_status = !self.kind.subresources.is_empty() && !self.kind.custom;
        if self.subresource.is_empty() {
            if has_status || self.kind.subresources.contains(&"status") {
                set = set.without(&["f:status"]);
            }
            if is_request {
                set = set.without(&["f:spec"]);
            }
            return set;
        }
        set.without(&["f:spec"])
    }

    /// The owners of a new object.
    pub(super) fn created(&self, empty: &Value, new: &Value) -> Managers {
        self.changed(empty, new, Managers::default())
    }

    /// The owners after an update from `live` to `new`, with the owners that the update itself carries.
    ///
    /// An object that nobody owns is owned by nobody until it is applied.
    pub(super) fn updated(&self, live: &Value, new: &Value, managers: Managers) -> Managers {
        if managers.0.is_empty() {
            return managers;
        }
        self.changed(live, new, managers)
    }

    fn changed(&self, live: &Value, new: &Value, mut managers: Managers) -> Managers {
        let comparison = compare(&bare(live), &bare(new), self.shape());
        let taken = comparison.modified.union(&comparison.added);
        managers.take(&self.ownable(&taken), None);
        managers.take(&comparison.removed, None);
        let won = self.ownable(&taken);
        if won.is_empty() {
            return managers;
        }
        let mut mine = self.entry("Update", won);
        if let Some(position) = managers
            .0
            .iter()
            .position(|entry| entry.is_same_manager(&mine))
        {
            let former = managers.0.remove(position);
            mine.fields = mine.fields.union(&former.fields);
        }
        managers.0.push(mine);
        managers
    }

    /// The object and the owners after an apply; a refusal when it meets fields of others.
    pub(super) fn applied(
        &self,
        live: &Value,
        applied: &Value,
        force: bool,
    ) -> Result<(Value, Managers), Refusal> {
        let shape = self.shape();
        let mut managers = Managers::of(live);
        let is_old = live["metadata"].get("uid").is_some();
        let (live, applied) = (bare(live), bare(applied));
        if is_old && managers.0.is_empty() {
            let first = Self {
                manager: "before-first-apply".to_owned(),
                ..self.clone()
            };
            managers = first.created(&self.kind.empty_object(), &live);
        }
        let named = fields(&applied, shape);
        let mine = self.entry("Apply", self.ownable(&named));
        let former = managers
            .0
            .iter()
            .position(|entry| entry.is_same_manager(&mine));
        let former = former.map(|position| managers.0.remove(position));
        managers.0.push(mine.clone());
        let merged = merge(&live, &applied, shape);
        let pruned = match &former {
            Some(former) => prune(&merged, &managers, (&former.fields, &named), shape),
            None => merged,
        };
        let comparison = compare(&live, &pruned, shape);
        let taken = self.ownable(&comparison.modified.union(&comparison.added));
        let conflicts: Vec<(String, String)> = managers
            .0
            .iter()
            .filter(|entry| !entry.is_same_manager(&mine))
            .flat_map(|entry| {
                let paths = entry.fields.intersection(&taken).paths();
                paths.into_iter().map(|path| (entry.printed(), path))
            })
            .collect();
        if !force && !conflicts.is_empty() {
            return Err(conflict(&conflicts));
        }
        managers.take(&taken, Some(&mine));
        managers.take(&comparison.removed, Some(&mine));
        // An apply that changes no value keeps its time, even if it has none.
        if live == pruned {
            let mut entries = managers.0.iter_mut();
            if let Some(entry) = entries.find(|entry| entry.is_same_manager(&mine)) {
                entry.time = former.map(|former| former.time).unwrap_or_default();
            }
        }
        Ok((pruned, managers))
    }
}

/// The object without its owners.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object
        .pointer_mut("/metadata")
        .and_then(Value::as_object_mut)
    {
        metadata.remove("managedFields");
    }
    object
}

/// Takes away what this manager applied before, does not apply now, and nobody else owns.
fn prune(
    merged: &Value,
    managers: &Managers,
    (last, named): (&FieldSet, &FieldSet),
    shape: Shape,
) -> Value {
    let last = with_named(last, shape);
    let all = with_named(&fields(merged, shape), shape);
    let pruned = remove(merged, &last, shape).unwrap_or_else(|| json!({}));
    let kept = with_named(&fields(&pruned, shape), shape);
    let theirs = managers
        .0
        .iter()
        .fold(named.clone(), |all, entry| all.union(&entry.fields));
    let surplus = all.difference(&kept.union(&with_named(&theirs, shape)));
    let rest = remove(merged, &surplus, shape).unwrap_or_else(|| json!({}));
    // What nobody owned and was not ours comes back.
    let kept = with_named(&fields(&rest, shape), shape);
    let ours = all.difference(&kept).intersection(&last);
    remove(merged, &ours, shape).unwrap_or_else(|| json!({}))
}

fn conflict(conflicts: &[(String, String)]) -> Refusal {
    let message = if let [(manager, path)] = conflicts {
        format!("Apply failed with 1 conflict: conflict with {manager}: {path}")
    } else {
        let mut lines = Vec::new();
        let mut last = None;
        for (manager, path) in conflicts {
            if last != Some(manager) {
                lines.push(format!("conflicts with {manager}:"));
                last = Some(manager);
            }
            lines.push(format!("- {path}"));
        }
        let count = conflicts.len();
        format!("Apply failed with {count} conflicts: {}", lines.join("\n"))
    };
    conflicts.iter().fold(
        Refusal::new(409, "Conflict", message),
        |refusal, (manager, path)| {
            refusal.cause(
                "FieldManagerConflict",
                &format!("conflict with {manager}"),
                path,
            )
        },
    )
}
