//! Nobody grants more than is held, unless `escalate` or `bind` allows just that.

use serde_json::{Value, json};

use super::{Attempt, GROUP, grants, may, role_rules};
use crate::kubesim::core::Core;
use crate::kubesim::kinds::Kind;
use crate::kubesim::message::{MASTERS, Refusal, User};

/// Refuses a role or binding that grants more than the user holds.
pub(crate) fn check_escalation(
    core: &Core,
    user: &User,
    kind: &Kind,
    old: Option<&Value>,
    new: &Value,
) -> Result<(), Refusal> {
    if kind.group != GROUP || user.is_in(MASTERS) {
        return Ok(());
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&new["metadata"]["namespace"]);
    let is_binding = kind.plural.ends_with("bindings");
    if old.is_some_and(|old| old["rules"] == new["rules"] && old["subjects"] == new["subjects"]) {
        return Ok(());
    }
    let role = text(&new["roleRef"]["name"]);
    let own_name = text(&new["metadata"]["name"]);
    let (verb, resource, name) = if is_binding {
        let is_role = new["roleRef"]["kind"] == "Role";
        (
            "bind",
            if is_role { "roles" } else { "clusterroles" },
            role.as_str(),
        )
    } else {
        ("escalate", kind.plural.as_str(), own_name.as_str())
    };
    let attempt = Attempt {
        verb,
        group: GROUP,
        resource: resource.to_owned(),
        namespace: &namespace,
        name,
        path: "",
    };
    if may(core, user, &attempt) {
        return Ok(());
    }
    let rules = if is_binding {
        let found = role_rules(core, &new["roleRef"], &namespace);
        found.map_err(|_| kind.not_found(&role))?
    } else {
        new["rules"].as_array().cloned().unwrap_or_default()
    };
    let missing = missing(core, user, &namespace, &rules);
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user
        .groups
        .iter()
        .map(|group| format!("{group:?}"))
        .collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        missing.join("\n")
    );
    Err(kind.forbidden(&own_name, &why))
}

/// The parts of rules that the user does not hold, as messages print them.
fn missing(core: &Core, user: &User, namespace: &str, rules: &[Value]) -> Vec<String> {
    let (grants, _) = grants(core, user, namespace);
    let held: Vec<Value> = grants.into_iter().flat_map(|grant| grant.rules).collect();
    let parts = rules.iter().flat_map(parts);
    let missing: Vec<Value> = parts
        .filter(|part| !held.iter().any(|rule| covers(rule, part)))
        .collect();
    let mut texts: Vec<String> = compact(missing).iter().map(printed).collect();
    texts.sort();
    texts
}

/// The smallest rules that a rule consists of.
fn parts(rule: &Value) -> Vec<Value> {
    let list = |name: &str| rule[name].as_array().cloned().unwrap_or_default();
    let names = list("resourceNames");
    let mut parts = Vec::new();
    for verb in list("verbs") {
        for group in list("apiGroups") {
            for resource in list("resources") {
                let part =
                    json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] });
                if names.is_empty() {
                    parts.push(part);
                    continue;
                }
                for name in &names {
                    let mut part = part.clone();
                    part["resourceNames"] = json!([name]);
                    parts.push(part);
                }
            }
        }
        for url in list("nonResourceURLs") {
            parts.push(json!({ "nonResourceURLs": [url], "verbs": [verb] }));
        }
    }
    parts
}

fn covers(rule: &Value, part: &Value) -> bool {
    let has_all = |name: &str| {
        let held = rule[name].as_array().cloned().unwrap_or_default();
        let wanted = part[name].as_array().cloned().unwrap_or_default();
        wanted
            .iter()
            .all(|item| held.contains(item) || held.contains(&json!("*")))
    };
    let held_names = rule["resourceNames"]
        .as_array()
        .is_some_and(|names| !names.is_empty());
    let names = !held_names
        || (has_all("resourceNames")
            && part["resourceNames"]
                .as_array()
                .is_some_and(|names| !names.is_empty()));
    ["verbs", "apiGroups", "resources", "nonResourceURLs"]
        .into_iter()
        .all(has_all)
        && names
}

/// Joins parts that differ in their verbs only.
fn compact(parts: Vec<Value>) -> Vec<Value> {
    let mut joined: Vec<Value> = Vec::new();
    for part in parts {
        let alike = joined.iter_mut().find(|other| {
            ["apiGroups", "resources", "resourceNames", "nonResourceURLs"]
                .into_iter()
                .all(|name| other[name] == part[name])
        });
        match alike {
            Some(other) => {
                if let (Some(verbs), Some(more)) =
                    (other["verbs"].as_array_mut(), part["verbs"].as_array())
                {
                    verbs.extend(more.iter().cloned());
                }
            }
            None => joined.push(part),
        }
    }
    joined
}

fn printed(rule: &Value) -> String {
    let fields = [
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("ResourceNames", "resourceNames"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("Verbs", "verbs"),
    ];
    let mut texts = Vec::new();
    for (title, name) in fields {
        let items = rule[name].as_array().cloned().unwrap_or_default();
        if !items.is_empty() {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            texts.push(format!("{title}:[{}]", items.join(" ")));
        }
    }
    format!("{{{}}}", texts.join(", "))
}
