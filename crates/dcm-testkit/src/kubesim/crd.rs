//! Kinds that are added while the server runs, by a `CustomResourceDefinition`.

use serde_json::{Value, json};

use super::core::Core;
use super::kinds::{CUSTOM_VERBS, Kind};
use super::objects::ObjectKey;
use super::shape::Shape;

/// What a definition says about one of its versions.
pub(super) fn kind_of(definition: &Value, version: &Value) -> Option<Kind> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = text(&names["kind"])?;
    let has_status = version["subresources"].get("status").is_some();
    let short_names = names["shortNames"].as_array().into_iter().flatten();
    Some(Kind {
        group: text(&spec["group"])?,
        version: text(&version["name"])?,
        plural: text(&names["plural"])?,
        singular: text(&names["singular"]).unwrap_or_else(|| kind.to_lowercase()),
        short_names: short_names.filter_map(text).collect(),
        namespaced: spec["scope"] == "Namespaced",
        verbs: CUSTOM_VERBS,
        subresources: if has_status {
            vec!["status"]
        } else {
            Vec::new()
        },
        shape: Shape::Free,
        empty: "{}",
        custom: true,
        kind,
    })
}

/// A definition was written: its kinds are served, and it says so.
pub(super) fn noticed(core: &mut Core, key: &ObjectKey, definition: &Value) {
    for version in definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if version["served"] == true
            && let Some(kind) = kind_of(definition, version)
        {
            core.kinds.add(kind);
        }
    }
    if definition["status"].get("conditions").is_some() {
        return;
    }
    let mut established = definition.clone();
    let time = &definition["metadata"]["creationTimestamp"];
    let condition = |name: &str, reason: &str, message: &str| json!({ "type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": time });
    established["status"] = json!({
        "acceptedNames": definition["spec"]["names"],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": definition["spec"]["versions"].as_array().into_iter().flatten()
            .filter(|version| version["storage"] == true).map(|version| version["name"].clone()).collect::<Vec<_>>(),
    });
    core.objects.put(key.clone(), established);
}

/// A definition is gone: its objects and its kinds go too.
pub(super) fn ended(core: &mut Core, name: &str) {
    let Some((plural, group)) = name.split_once('.') else {
        return;
    };
    let ids: Vec<_> = core
        .kinds
        .all()
        .filter(|(_, kind)| kind.is(group, plural))
        .map(|(id, _)| id)
        .collect();
    for id in ids {
        for key in core.objects.keys(id, None) {
            core.objects.remove(&key, None);
        }
    }
    core.kinds.remove(group, plural);
}
