//! The plan step: compares what shall exist with what was read, and touches nothing.
//!
//! Invariants: no I/O, no clock, total: every input gives a plan. The plan of an applied plan keeps
//! everything. No step changes or deletes an object that does not carry our owner's uid.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::mesh;
use crate::render::{Wanted, same_limits};
use crate::run::Outcome;
use dcm_cluster::{Object, Place, Resource};

/// What was read of our objects in a member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    /// Objects by place: ours, and foreign ones that stand where we want to write.
    pub(crate) objects: BTreeMap<Place, Object>,
}

/// What to do about one wanted object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// It is not there: POST it.
    Create,
    /// It is ours and differs: apply onto what was read.
    Change(Object),
    /// It is ours and cannot be changed in place: delete it, and make it again afterwards.
    Replace(Object),
    /// It is as wished.
    Keep(Object),
    /// It is being deleted: wait.
    Terminating,
    /// Somebody else's object is in its place: touch nothing.
    Foreign,
    /// It differs, and stays so for now: drift that is not corrected. What comes of it is said already.
    Hold(Box<Outcome>),
}

impl Step {
    /// Whether the step changes anything in the member.
    pub(crate) fn mutates(&self) -> bool {
        match self {
            Self::Create | Self::Change(_) | Self::Replace(_) => true,
            Self::Keep(_) | Self::Terminating | Self::Foreign | Self::Hold(_) => false,
        }
    }
}

/// What to do about one wanted object, given what is in its place.
pub(crate) fn step(wanted: &Wanted, live: Option<&Object>, owner: &str) -> Step {
    let Some(live) = live else {
        return Step::Create;
    };
    if live.owner() != owner {
        return Step::Foreign;
    }
    if live.is_terminating() {
        return Step::Terminating;
    }
    if matches_wish(&wanted.object, live) {
        return Step::Keep(live.clone());
    }
    // A role reference cannot be changed, and an aggregation that somebody else put into a role of ours
    // cannot be taken out by who does not own it.
    let reference = wanted.object.at("/roleRef") != live.at("/roleRef");
    if reference || live.at(AGGREGATION).is_some() {
        return Step::Replace(live.clone());
    }
    Step::Change(live.clone())
}

/// Our objects that nobody wants any more.
pub(crate) fn surplus(wanted: &[Wanted], observed: &Observed, owner: &str) -> Vec<Object> {
    observed
        .objects
        .iter()
        .filter(|(place, object)| {
            object.owner() == owner
                && !object.is_terminating()
                && !wanted.iter().any(|wanted| &wanted.place == *place)
        })
        .map(|(_, object)| object.clone())
        .collect()
}

/// Maps of which others may own members: ours must be as wished, theirs are left alone.
const SHARED_MAPS: [(&str, &[&str]); 3] = [
    ("/metadata/labels", &["metadata", "labels"]),
    ("/metadata/annotations", &["metadata", "annotations"]),
    ("/data", &["data"]),
];
/// Members that are ours as a whole.
const WHOLE: [&str; 5] = [
    "/rules",
    "/subjects",
    "/roleRef",
    "/automountServiceAccountToken",
    AGGREGATION,
];
/// With this the cluster itself fills the rules of a cluster role from other roles. None of ours has it.
const AGGREGATION: &str = "/aggregationRule";
/// A label that the API server puts on namespaces and books to whoever created them.
const SERVER_LABEL: &str = "kubernetes.io/metadata.name";

/// Whether the live object is as wished, and holds nothing of ours that is not wished any more.
pub(crate) fn matches_wish(wanted: &Object, live: &Object) -> bool {
    differences(wanted, live).is_empty()
}

/// Paths of what is not as wished.
pub(crate) fn differences(wanted: &Object, live: &Object) -> Vec<Vec<String>> {
    if wanted.kind() == Resource::Secret.kind() {
        return mesh::secret::differences(wanted, live);
    }
    if mesh::compare::is_signed(wanted) {
        return mesh::compare::differences(wanted, live);
    }
    let mut found = Vec::new();
    for (pointer, path) in SHARED_MAPS {
        let same = |one: &Value, other: &Value| one == other;
        found.extend(map_differences(wanted, live, (pointer, path), same));
    }
    let whole = WHOLE
        .iter()
        .filter(|pointer| wanted.at(pointer) != live.at(pointer));
    found.extend(whole.map(|pointer| vec![pointer.trim_start_matches('/').to_owned()]));
    found.extend(spec_differences(wanted, live));
    found
}

fn spec_differences(wanted: &Object, live: &Object) -> Vec<Vec<String>> {
    match wanted.kind() {
        // The API server adds finalizers to the spec of a namespace; we wish nothing there.
        "Namespace" => Vec::new(),
        "ResourceQuota" => map_differences(
            wanted,
            live,
            ("/spec/hard", &["spec", "hard"]),
            |one, other| {
                let pair = |value: &Value| Map::from_iter([(String::new(), value.clone())]);
                same_limits(&pair(one), &pair(other))
            },
        ),
        _ if wanted.at("/spec") == live.at("/spec") => Vec::new(),
        _ => {
            let empty = Map::new();
            let wished = wanted.map("/spec").unwrap_or(&empty);
            let held = live.map("/spec").unwrap_or(&empty);
            let names: BTreeSet<&String> = wished.keys().chain(held.keys()).collect();
            let differ = names
                .into_iter()
                .filter(|name| wished.get(*name) != held.get(*name));
            let mut found: Vec<Vec<String>> = differ
                .map(|name| vec!["spec".to_owned(), name.clone()])
                .collect();
            if found.is_empty() {
                found.push(vec!["spec".to_owned()]);
            }
            found
        }
    }
}

fn map_differences(
    wanted: &Object,
    live: &Object,
    (pointer, path): (&str, &[&str]),
    same: impl Fn(&Value, &Value) -> bool,
) -> Vec<Vec<String>> {
    let empty = Map::new();
    let wanted = wanted.map(pointer).unwrap_or(&empty);
    let held = live.map(pointer).unwrap_or(&empty);
    let not_as_wished = wanted
        .iter()
        .filter(|(key, value)| !held.get(*key).is_some_and(|held| same(value, held)))
        .map(|(key, _)| key);
    let left_over = held
        .keys()
        .filter(|key| !wanted.contains_key(*key) && key.as_str() != SERVER_LABEL)
        .filter(|key| live.owns(path, key));
    let full = |key: &String| {
        let path = path.iter().map(ToString::to_string);
        path.chain([key.clone()]).collect()
    };
    not_as_wished.chain(left_over).map(full).collect()
}

#[cfg(test)]
mod tests;
