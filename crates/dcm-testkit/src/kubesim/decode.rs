//! What a body becomes before anything is done with it: unknown fields and empty ones go, defaults come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::quantity::Quantity;
use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::message::Refusal;
use super::shape::{METADATA, Shape};

/// The object as the API server reads it.
pub(super) fn decode(kind: &Kind, body: Value) -> Result<Value, Refusal> {
    let given = body["kind"].as_str().unwrap_or(&kind.kind);
    let version = body["apiVersion"].as_str().unwrap_or_default();
    if given != kind.kind {
        let message = format!(
            "the object provided is unrecognized (must be of type {}): {given} of {version} was sent",
            kind.kind
        );
        return Err(Refusal::bad_request(message));
    }
    let expected = kind.api_version();
    if !version.is_empty() && version != expected {
        let message = format!(
            "the API version in the data ({version}) does not match the expected API version ({expected})"
        );
        return Err(Refusal::bad_request(message));
    }
    if !body.is_object() {
        return Err(Refusal::bad_request("the body is no object"));
    }
    let mut object = clean(body, kind.shape);
    if kind.custom {
        object["metadata"] = clean(object["metadata"].take(), METADATA);
    }
    let mut complete = kind.empty_object();
    lay_over(&mut complete, object);
    set_defaults(kind, &mut complete)?;
    Ok(complete)
}

/// Drops what is unknown, null or empty, where the structure is known.
pub(super) fn clean(value: Value, shape: Shape) -> Value {
    match (shape, value) {
        (Shape::Struct(_) | Shape::Map(_), Value::Object(map)) => {
            let kept = map
                .into_iter()
                .filter(|(name, _)| matches!(shape, Shape::Map(_)) || shape.names(name));
            let kept = kept.map(|(name, value)| {
                let inner = shape.field(&name);
                (name, clean(value, inner))
            });
            let is_struct = matches!(shape, Shape::Struct(_));
            let kept =
                kept.filter(|(name, value)| !is_struct || !is_nothing(value, shape.field(name)));
            Value::Object(kept.collect())
        }
        (Shape::Keyed(_, inner), Value::Array(items)) => {
            items.into_iter().map(|item| clean(item, *inner)).collect()
        }
        (_, value) => value,
    }
}

fn is_nothing(value: &Value, shape: Shape) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() && shape == Shape::Leaf,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && shape != Shape::Atomic,
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn lay_over(base: &mut Value, object: Value) {
    match (base, object) {
        (Value::Object(base), Value::Object(object)) => {
            for (name, value) in object {
                match base.get_mut(&name) {
                    Some(known) => lay_over(known, value),
                    None => {
                        base.insert(name, value);
                    }
                }
            }
        }
        (base, object) => *base = object,
    }
}

fn set_defaults(kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => namespace(object),
        ("", "Secret") => secret(object),
        ("", "ResourceQuota") => {
            for pointer in ["/spec/hard", "/status/hard", "/status/used"] {
                quantities(object.pointer_mut(pointer))?;
            }
        }
        ("", "LimitRange") => limit_range(object)?,
        ("networking.k8s.io", "NetworkPolicy") => network_policy(object),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => rules(object),
        ("rbac.authorization.k8s.io", _) => binding(object),
        ("certificates.k8s.io", _) => conditions(object),
        _ => {}
    }
    Ok(())
}

/// Roles say it when they have none.
fn rules(object: &mut Value) {
    if let Some(role) = object.as_object_mut() {
        role.entry("rules").or_insert(Value::Null);
    }
}

fn namespace(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    if name.as_str().is_some_and(|name| !name.is_empty()) {
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    }
}

fn secret(object: &mut Value) {
    if let Some(Value::Object(texts)) = object
        .as_object_mut()
        .and_then(|map| map.remove("stringData"))
    {
        for (key, text) in texts {
            object["data"][key] = json!(STANDARD.encode(text.as_str().unwrap_or_default()));
        }
    }
    if object.get("type").is_none() {
        object["type"] = json!("Opaque");
    }
}

fn quantities(map: Option<&mut Value>) -> Result<(), Refusal> {
    for (_, value) in map.and_then(Value::as_object_mut).into_iter().flatten() {
        let text = match &*value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let quantity = Quantity::parse(&text).map_err(|_| {
            Refusal::bad_request(format!(
                "quantities must match the regular expression of quantities: {text}"
            ))
        })?;
        *value = json!(quantity.canonical());
    }
    Ok(())
}

fn limit_range(object: &mut Value) -> Result<(), Refusal> {
    let limits = object
        .pointer_mut("/spec/limits")
        .and_then(Value::as_array_mut);
    for limit in limits.into_iter().flatten() {
        for name in [
            "default",
            "defaultRequest",
            "max",
            "min",
            "maxLimitRequestRatio",
        ] {
            quantities(limit.get_mut(name))?;
        }
        if limit["type"] != "Container" {
            continue;
        }
        // What is not said follows from the next tighter bound.
        for (name, from) in [
            ("default", "max"),
            ("defaultRequest", "default"),
            ("defaultRequest", "min"),
        ] {
            let source = limit[from].as_object().cloned().unwrap_or_default();
            let mut target = limit[name].as_object().cloned().unwrap_or_default();
            for (resource, amount) in source {
                target.entry(resource).or_insert(amount);
            }
            if !target.is_empty() {
                limit[name] = Value::Object(target);
            }
        }
        if let Some(map) = limit.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
    }
    Ok(())
}

fn network_policy(object: &mut Value) {
    let spec = &mut object["spec"];
    if !spec["podSelector"].is_object() {
        spec["podSelector"] = json!({});
    }
    if spec["policyTypes"].as_array().is_none_or(Vec::is_empty) {
        let has_egress = spec["egress"]
            .as_array()
            .is_some_and(|rules| !rules.is_empty());
        let types: &[&str] = if has_egress {
            &["Ingress", "Egress"]
        } else {
            &["Ingress"]
        };
        spec["policyTypes"] = json!(types);
    }
    for direction in ["ingress", "egress"] {
        let rules = spec.get_mut(direction).and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            let ports = rule.get_mut("ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten() {
                if port.get("protocol").is_none() {
                    port["protocol"] = json!("TCP");
                }
            }
        }
    }
}

/// Times that are not said are there all the same, without a value.
fn conditions(object: &mut Value) {
    let conditions = object
        .pointer_mut("/status/conditions")
        .and_then(Value::as_array_mut);
    for condition in conditions
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        for name in ["lastUpdateTime", "lastTransitionTime"] {
            condition.entry(name).or_insert(Value::Null);
        }
    }
}

fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    if object["roleRef"]["apiGroup"]
        .as_str()
        .unwrap_or_default()
        .is_empty()
    {
        object["roleRef"]["apiGroup"] = json!(GROUP);
    }
    let subjects = object.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        default_subject_group(subject, GROUP);
    }
}

fn default_subject_group(subject: &mut Map<String, Value>, group: &str) {
    let is_account = subject
        .get("kind")
        .is_some_and(|kind| kind == "ServiceAccount");
    if is_account {
        subject.retain(|name, value| name != "apiGroup" || value != "");
    } else {
        subject.entry("apiGroup").or_insert_with(|| json!(group));
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::Kinds;
    use super::*;

    fn decoded(group: &str, plural: &str, body: Value) -> Value {
        let kinds = Kinds::default();
        let (_, kind) = kinds.find(group, "v1", plural).unwrap();
        decode(&kind, body).unwrap()
    }

    #[test]
    fn what_is_unknown_or_empty_goes_and_what_is_always_there_comes() {
        let body = json!({ "metadata": { "name": "q", "labels": {} }, "spec": { "other": 1, "hard": { "pods": 3 } } });
        let expected = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "q" },
            "spec": { "hard": { "pods": "3" } }, "status": {},
        });
        assert_eq!(decoded("", "resourcequotas", body), expected);
    }

    #[test]
    fn defaults_are_set() {
        let secret = decoded("", "secrets", json!({ "stringData": { "a": "b" } }));
        assert_eq!(
            (&secret["type"], &secret["data"]["a"]),
            (&json!("Opaque"), &json!("Yg=="))
        );
        let policy = json!({ "spec": { "egress": [{ "ports": [{ "port": 53 }] }] } });
        let policy = decoded("networking.k8s.io", "networkpolicies", policy);
        assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        assert_eq!(policy["spec"]["egress"][0]["ports"][0]["protocol"], "TCP");
        let limits =
            json!({ "spec": { "limits": [{ "type": "Container", "max": { "cpu": "1000m" } }] } });
        let limits = decoded("", "limitranges", limits);
        assert_eq!(limits["spec"]["limits"][0]["defaultRequest"]["cpu"], "1");
    }

    #[test]
    fn another_kind_is_refused() {
        let kinds = Kinds::default();
        let (_, kind) = kinds.find("", "v1", "secrets").unwrap();
        for body in [
            json!({ "kind": "ConfigMap" }),
            json!({ "apiVersion": "v2" }),
            json!([]),
        ] {
            assert_eq!(decode(&kind, body.clone()).unwrap_err().code, 400, "{body}");
        }
    }
}
