//! What a client may ask to find out what is served.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::core::Core;
use super::kinds::Kind;
use super::message::{PLAIN, Refusal};

/// The answer to a path that is no resource.
pub(super) fn serve(core: &Core, path: &str) -> Result<Value, Refusal> {
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    match steps.as_slice() {
        ["version"] => Ok(version(&core.version)),
        ["healthz" | "livez" | "readyz"] => Ok(json!("ok")),
        ["api"] => Ok(
            json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] }),
        ),
        ["apis"] => {
            Ok(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups(core) }))
        }
        ["apis", group] => {
            let found = groups(core)
                .into_iter()
                .find(|found| found["name"] == *group);
            let mut found = found.ok_or_else(no_page)?;
            found["kind"] = json!("APIGroup");
            found["apiVersion"] = json!("v1");
            Ok(found)
        }
        ["api", version] => resources(core, "", version),
        ["apis", group, version] => resources(core, group, version),
        ["api", version, _, ..] => resources(core, "", version).and_then(|_| Err(nothing())),
        ["apis", group, version, _, ..] => {
            let is_custom = core
                .kinds
                .all()
                .any(|(_, kind)| kind.custom && kind.group == *group);
            resources(core, group, version)
                .and_then(|_| Err(if is_custom { no_page() } else { nothing() }))
        }
        _ => Err(no_page()),
    }
}

/// There is such a version of such a group, but nothing of that name in it.
fn nothing() -> Refusal {
    let mut refusal = Refusal::new(
        404,
        "NotFound",
        "the server could not find the requested resource",
    );
    refusal.with_details = true;
    refusal
}

/// There is nothing at that path at all.
fn no_page() -> Refusal {
    Refusal::new(404, PLAIN, "404 page not found")
}

fn version(text: &str) -> Value {
    let mut numbers = text.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
    json!({
        "major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
        "minCompatibilityMajor": major, "minCompatibilityMinor": minor.parse::<u32>().unwrap_or(1).saturating_sub(1).to_string(),
        "gitVersion": text, "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
    })
}

fn groups(core: &Core) -> Vec<Value> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
        ("authentication.k8s.io", vec!["v1"]),
        ("authorization.k8s.io", vec!["v1"]),
    ]);
    for (_, kind) in core.kinds.all().filter(|(_, kind)| !kind.group.is_empty()) {
        let known = versions.entry(&kind.group).or_default();
        if !known.contains(&kind.version.as_str()) {
            known.push(&kind.version);
        }
    }
    let group = |(name, versions): (&str, Vec<&str>)| {
        let of = |version: &str| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
        let all: Vec<Value> = versions.iter().map(|version| of(version)).collect();
        json!({ "name": name, "versions": all, "preferredVersion": all.first() })
    };
    versions.into_iter().map(group).collect()
}

fn resources(core: &Core, group: &str, version: &str) -> Result<Value, Refusal> {
    let mut list = Vec::new();
    for (_, kind) in core.kinds.all() {
        if kind.group == group && kind.version == version {
            list.extend(entries(kind));
        }
    }
    for (of, plural, kind) in [
        (
            "authentication.k8s.io",
            "selfsubjectreviews",
            "SelfSubjectReview",
        ),
        (
            "authorization.k8s.io",
            "selfsubjectaccessreviews",
            "SelfSubjectAccessReview",
        ),
    ] {
        if of == group && version == "v1" {
            list.push(json!({
                "name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"],
            }));
        }
    }
    if list.is_empty() {
        return Err(no_page());
    }
    let name = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Ok(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": list }),
    )
}

fn entries(kind: &Kind) -> Vec<Value> {
    let mut entry = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": kind.verbs,
    });
    if !kind.short_names.is_empty() {
        entry["shortNames"] = json!(kind.short_names);
    }
    let mut entries = vec![entry];
    for sub in &kind.subresources {
        let name = format!("{}/{sub}", kind.plural);
        let mut entry = json!({
            "name": name, "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": ["get", "patch", "update"],
        });
        match *sub {
            "finalize" => entry["verbs"] = json!(["update"]),
            "token" => {
                entry["kind"] = json!("TokenRequest");
                entry["group"] = json!("authentication.k8s.io");
                entry["version"] = json!("v1");
                entry["verbs"] = json!(["create"]);
            }
            _ => {}
        }
        entries.push(entry);
    }
    entries
}
