//! What differs between an object of a mesh and the wish: pure, and without knowledge of its kind.
//!
//! What is wished must be there; what an API server or a control plane added beside it is no drift. What a former
//! wish left behind shows in an annotation with the digest of the wish: when it differs the object is applied, and
//! that takes away whatever we wrote and do not wish any more. Rules and subjects are ours as a whole: one more
//! would open something.

use dcm_cluster::Object;
use dcm_types::quantity::Quantity;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Annotation with the digest of what is wished of an object.
const WISH: &str = "dcm.internal/wish";
/// What a control plane writes into its webhooks.
const CA_BUNDLE: &str = "caBundle";
/// Lists in which more than the wish would open something.
const WHOLE: [&str; 2] = ["rules", "subjects"];
/// Below these are amounts, which an API server writes in its own way.
const AMOUNTS: [&str; 4] = ["limits", "requests", "averageValue", "sizeLimit"];

/// Writes the digest of the wish into the object.
pub(crate) fn sign(object: &mut Object) {
    let digest = hex::encode(Sha256::digest(object.0.to_string()));
    object.0["metadata"]["annotations"][WISH] = json!(digest);
}

/// Whether an object is compared in this way.
pub(crate) fn is_signed(wanted: &Object) -> bool {
    let annotations = wanted.at("/metadata/annotations");
    annotations.is_some_and(|all| all.get(WISH).is_some())
}

/// Whether what is there was written for another wish.
pub(crate) fn is_of_another_wish(wanted: &Object, live: &Object) -> bool {
    let digest = |object: &Object| object.0["metadata"]["annotations"][WISH].clone();
    digest(wanted) != digest(live)
}

/// Objects of a manifest without what somebody else sets: how many replicas where an autoscaler does, and empty
/// authorities of webhooks.
pub(crate) fn settled(mut objects: Vec<Value>) -> Vec<Value> {
    let scaled: Vec<Value> = objects
        .iter()
        .filter(|object| object["kind"] == "HorizontalPodAutoscaler")
        .map(|object| object["spec"]["scaleTargetRef"]["name"].clone())
        .collect();
    for object in &mut objects {
        if object["kind"] == "Deployment" && scaled.contains(&object["metadata"]["name"]) {
            remove(&mut object["spec"], "replicas");
        }
        let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
        for webhook in webhooks.into_iter().flatten() {
            let client = webhook.get_mut("clientConfig");
            if let Some(client) = client.filter(|client| client[CA_BUNDLE] == "") {
                remove(client, CA_BUNDLE);
            }
        }
    }
    objects
}

fn remove(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(name);
    }
}

/// Paths of what is not as wished, two steps deep.
pub(crate) fn differences(wanted: &Object, live: &Object) -> Vec<Vec<String>> {
    let empty = Map::new();
    let members = wanted.0.as_object().unwrap_or(&empty);
    let mut found = Vec::new();
    for (name, wish) in members {
        match name.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                for part in ["labels", "annotations"] {
                    below(
                        &wish[part],
                        &live.0["metadata"][part],
                        &["metadata", part],
                        &mut found,
                    );
                }
            }
            _ => below(wish, &live.0[name.as_str()], &[name], &mut found),
        }
    }
    for name in WHOLE {
        let more = |object: &Object| object.0[name].as_array().map_or(0, Vec::len);
        if more(live) > more(wanted) {
            found.push(vec![name.to_owned()]);
        }
    }
    found.dedup();
    found
}

/// Differences of the members of a map, or of a value that is none.
fn below(wish: &Value, live: &Value, path: &[&str], found: &mut Vec<Vec<String>>) {
    let full = |name: Option<&String>| -> Vec<String> {
        let path = path.iter().map(|step| (*step).to_owned());
        path.chain(name.cloned()).collect()
    };
    match wish {
        Value::Object(members) => {
            let differ = members
                .iter()
                .filter(|(name, one)| !holds(one, live.get(name.as_str()), is_amounts(name)));
            found.extend(differ.map(|(name, _)| full(Some(name))));
        }
        other if holds(other, Some(live), false) => {}
        _ => found.push(full(None)),
    }
}

fn is_amounts(name: &str) -> bool {
    AMOUNTS.contains(&name)
}

/// Whether what is there has all that is wished.
fn holds(wish: &Value, live: Option<&Value>, amounts: bool) -> bool {
    let Some(live) = live.filter(|live| !live.is_null()) else {
        // An API server drops what says nothing.
        return says_nothing(wish);
    };
    match (wish, live) {
        (Value::Object(wish), Value::Object(live)) => wish
            .iter()
            .all(|(name, one)| holds(one, live.get(name), amounts || is_amounts(name))),
        (Value::Array(wish), Value::Array(live)) => {
            wish.len() == live.len()
                && wish
                    .iter()
                    .zip(live)
                    .all(|(wish, live)| holds(wish, Some(live), amounts))
        }
        (Value::Null, _) => true,
        (Value::Number(wish), Value::Number(live)) => wish.as_f64() == live.as_f64(),
        (wish, live) => wish == live || (amounts && same_amount(wish, live)),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
    }
}

fn same_amount(one: &Value, other: &Value) -> bool {
    let read = |value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(Quantity::parse(&text).ok()?.canonical())
    };
    read(one).is_some_and(|amount| Some(amount) == read(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(value: Value) -> Object {
        let mut object = Object(value);
        sign(&mut object);
        object
    }

    fn told(wanted: &Object, live: Value) -> Vec<String> {
        let mut live = Object(live);
        live.0["metadata"]["annotations"][WISH] = wanted.0["metadata"]["annotations"][WISH].clone();
        let found = differences(wanted, &live);
        found.iter().map(|path| path.join(".")).collect()
    }

    #[test]
    fn defaults_of_the_server_are_no_difference() {
        let wanted = signed(json!({ "kind": "Deployment", "metadata": {}, "spec": {
            "paused": false, "nodeSelector": {}, "template": { "spec": { "containers": [
                { "name": "a", "env": [{ "name": "b", "value": "" }],
                  "resources": { "limits": { "cpu": "1000m", "memory": "2048Mi" } } },
            ]}},
        }}));
        let live = json!({ "spec": { "replicas": 1, "template": { "spec": { "dnsPolicy": "ClusterFirst", "containers": [
            { "name": "a", "env": [{ "name": "b" }], "imagePullPolicy": "Always",
              "resources": { "limits": { "cpu": "1", "memory": "2Gi" } } },
        ]}}}});
        assert_eq!(told(&wanted, live), [""; 0]);
    }

    #[test]
    fn what_was_changed_taken_away_or_added_to_a_list_is_told() {
        let wanted = signed(
            json!({ "kind": "Deployment", "metadata": { "labels": { "a": "b" } }, "spec": {
                "template": { "containers": [{ "name": "a", "image": "one" }] }, "strategy": { "type": "x" },
            }}),
        );
        let other = |containers: Value| {
            json!({ "metadata": { "labels": { "a": "b" } }, "spec": {
            "template": { "containers": containers }, "strategy": { "type": "x" } } })
        };
        let image = json!([{ "name": "a", "image": "two" }]);
        let more = json!([{ "name": "a", "image": "one" }, { "name": "miner" }]);
        for containers in [image, more, json!([])] {
            assert_eq!(told(&wanted, other(containers)), ["spec.template"]);
        }
        let gone = told(&wanted, json!({ "spec": {} }));
        assert_eq!(
            gone,
            ["metadata.labels.a", "spec.strategy", "spec.template"]
        );
    }

    #[test]
    fn one_more_rule_or_subject_is_told() {
        let wanted = signed(
            json!({ "kind": "ClusterRole", "metadata": {}, "rules": [{ "verbs": ["get"] }] }),
        );
        let live = json!({ "rules": [{ "verbs": ["get"] }, { "verbs": ["*"] }] });
        assert_eq!(told(&wanted, live), ["rules"]);
        let none = signed(json!({ "kind": "RoleBinding", "metadata": {} }));
        assert_eq!(
            told(&none, json!({ "subjects": [{ "name": "eve" }] })),
            ["subjects"]
        );
    }

    #[test]
    fn what_a_former_wish_left_shows_in_its_digest() {
        let former = signed(json!({ "metadata": {}, "spec": { "a": 1, "b": 2 } }));
        let wanted = signed(json!({ "metadata": {}, "spec": { "a": 1 } }));
        let found = differences(&wanted, &former);
        assert_eq!(found, [["metadata", "annotations", WISH]]);
    }

    #[test]
    fn webhooks_are_left_to_whoever_fills_them_and_replicas_to_the_autoscaler() {
        let own = vec![
            json!({ "kind": "Deployment", "metadata": { "name": "a" }, "spec": { "replicas": 1 } }),
            json!({ "kind": "Deployment", "metadata": { "name": "b" }, "spec": { "replicas": 1 } }),
            json!({ "kind": "HorizontalPodAutoscaler", "spec": { "scaleTargetRef": { "name": "a" } } }),
            json!({ "kind": "MutatingWebhookConfiguration", "webhooks": [{ "clientConfig": { "caBundle": "", "url": "x" } }] }),
        ];
        let settled = settled(own);
        assert_eq!(settled[0]["spec"], json!({}));
        assert_eq!(settled[1]["spec"], json!({ "replicas": 1 }));
        assert_eq!(
            settled[3]["webhooks"],
            json!([{ "clientConfig": { "url": "x" } }])
        );
    }
}
