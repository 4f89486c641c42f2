//! What the kinds themselves say about a write: which parts may change through which door, and what is valid.

use serde_json::{Value, json};

use super::core::Asking;
use super::csr;
use super::kinds::Kind;
use super::message::Refusal;

/// The last changes before a new object is stored.
pub(super) fn before_create(
    kind: &Kind,
    object: &mut Value,
    asking: Asking<'_>,
) -> Result<(), Refusal> {
    match kind.kind.as_str() {
        "Namespace" => {
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            object["status"] = json!({ "phase": "Active" });
        }
        "ResourceQuota" => object["status"] = json!({}),
        "CertificateSigningRequest" => csr::before_create(kind, object, asking.user)?,
        _ if keeps_status_apart(kind) => remove(object, "status"),
        _ => {}
    }
    if kind.has_generation() {
        object["metadata"]["generation"] = json!(1);
    }
    Ok(())
}

/// Whether the status is written through its own door alone.
fn keeps_status_apart(kind: &Kind) -> bool {
    let has_door = kind.subresources.contains(&"status");
    has_door
        && (kind.custom
            || matches!(
                kind.kind.as_str(),
                "Service" | "Deployment" | "HorizontalPodAutoscaler" | "PodDisruptionBudget"
            ))
}

/// The last changes before an object is replaced; `subresource` says through which door.
pub(super) fn before_update(
    kind: &Kind,
    subresource: &str,
    old: &Value,
    new: &mut Value,
    asking: Asking<'_>,
) -> Result<(), Refusal> {
    match (kind.kind.as_str(), subresource) {
        ("CertificateSigningRequest", door) => csr::before_update(kind, door, old, new, asking)?,
        ("Namespace", "") => {
            keep(old, new, "status");
            keep(old, new, "spec");
        }
        ("Namespace" | "ResourceQuota", "status") => keep(old, new, "spec"),
        ("Namespace", "finalize") => {
            keep(old, new, "status");
        }
        ("ResourceQuota", "") => keep(old, new, "status"),
        (_, "") if keeps_status_apart(kind) => keep(old, new, "status"),
        (_, "status") if keeps_status_apart(kind) => {
            keep(old, new, "spec");
            for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
                keep_in(&old["metadata"], &mut new["metadata"], name);
            }
        }
        _ => {}
    }
    check_finalizers(kind, old, new)?;
    for name in [
        "creationTimestamp",
        "uid",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
    ] {
        keep_in(&old["metadata"], &mut new["metadata"], name);
    }
    if kind.has_generation() && content(old) != content(new) {
        let generation = old["metadata"]["generation"].as_u64().unwrap_or(0);
        new["metadata"]["generation"] = json!(generation + 1);
    }
    if kind.kind.ends_with("RoleBinding") && old["roleRef"] != new["roleRef"] {
        let name = new["metadata"]["name"].as_str().unwrap_or_default();
        let why = format!(
            "Invalid value: {}: cannot change roleRef",
            go_struct(&new["roleRef"])
        );
        return Err(kind.invalid(name, "roleRef", "FieldValueInvalid", &why));
    }
    Ok(())
}

/// What is being deleted can only lose finalizers.
fn check_finalizers(kind: &Kind, old: &Value, new: &Value) -> Result<(), Refusal> {
    if old["metadata"].get("deletionTimestamp").is_none() {
        return Ok(());
    }
    let list = |object: &Value| {
        object["metadata"]["finalizers"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let former = list(old);
    let more: Vec<String> = list(new)
        .iter()
        .filter(|name| !former.contains(name))
        .map(ToString::to_string)
        .collect();
    if more.is_empty() {
        return Ok(());
    }
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    let why = format!(
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        more.join(", ")
    );
    let field = "metadata.finalizers";
    Err(kind
        .invalid(name, field, "FieldValueForbidden", &why)
        .cause("FieldValueForbidden", &why, field))
}

/// A reference as messages print it.
fn go_struct(reference: &Value) -> String {
    let names = [("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")];
    let fields = names.map(|(title, name)| format!("{title:?}:{}", reference[name]));
    format!("{{{}}}", fields.join(","))
}

/// What counts for the generation: all but metadata and status.
fn content(object: &Value) -> Value {
    let mut object = object.clone();
    remove(&mut object, "metadata");
    remove(&mut object, "status");
    object
}

pub(super) fn remove(object: &mut Value, name: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(name);
    }
}

fn keep(old: &Value, new: &mut Value, name: &str) {
    keep_in(old, new, name);
}

pub(super) fn keep_in(old: &Value, new: &mut Value, name: &str) {
    match old.get(name) {
        Some(value) => new[name] = value.clone(),
        None => remove(new, name),
    }
}

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
     and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty()
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What is wrong with an object that is about to be stored.
pub(super) fn validate(kind: &Kind, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        let why = "Required value: name or generateName is required";
        return Err(kind.invalid(name, "metadata.name", "FieldValueRequired", why));
    }
    let is_rbac = kind.group == "rbac.authorization.k8s.io";
    let (fits, rule) = if kind.kind == "Namespace" {
        (is_label(name) && name.len() <= 63, LABEL_RULE)
    } else {
        (is_rbac || name.split('.').all(is_label), SUBDOMAIN_RULE)
    };
    if !fits {
        let rule = if kind.kind == "Namespace" && name.contains('.') {
            "must not contain dots"
        } else {
            rule
        };
        let why = format!("Invalid value: {name:?}: {rule}");
        return Err(kind.invalid(name, "metadata.name", "FieldValueInvalid", &why));
    }
    match kind.kind.as_str() {
        "CertificateSigningRequest" => csr::validate(kind, object),
        _ => Ok(()),
    }
}
