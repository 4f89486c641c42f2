//! In every place of a good kubeconfig: an unknown member, a value of another type and a repeated
//! member are refused, and the refusal names exactly that place.

use dcm_pki::kubeconfig;
use serde_json::{Value, json};

use crate::sample::Sample;

fn document() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [
            {"name": "a", "cluster": {"server": "https://a.example",
                "certificate-authority-data": "$CA", "tls-server-name": "a"}},
            {"name": "b", "cluster": {"server": "https://b.example"}},
        ],
        "users": [
            {"name": "a", "user": {"client-certificate-data": "$CERTIFICATE", "client-key-data": "$KEY"}},
            {"name": "b", "user": {"token": "$TOKEN"}},
        ],
        "contexts": [
            {"name": "one", "context": {"cluster": "a", "user": "a", "namespace": "default"}},
            {"name": "two", "context": {"cluster": "b", "user": "b"}},
        ],
    })
}

/// JSON pointers of all values, with the field that a fault must name.
fn places(value: &Value, pointer: &str, field: &str, found: &mut Vec<(String, String)>) {
    found.push((pointer.to_owned(), field.to_owned()));
    let join = |member: &str| {
        if field.is_empty() {
            member.to_owned()
        } else {
            format!("{field}.{member}")
        }
    };
    match value {
        Value::Object(members) => {
            for (member, inner) in members {
                places(inner, &format!("{pointer}/{member}"), &join(member), found);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                places(
                    inner,
                    &format!("{pointer}/{index}"),
                    &format!("{field}[{index}]"),
                    found,
                );
            }
        }
        _ => {}
    }
}

fn all_places() -> Vec<(String, String)> {
    let mut found = Vec::new();
    places(&document(), "", "", &mut found);
    found
}

fn fields(sample: &Sample, text: &str) -> Vec<String> {
    let faults = kubeconfig::parse(sample.fill(text).as_bytes()).unwrap_err();
    faults.into_iter().map(|fault| fault.field).collect()
}

#[test]
fn the_document_itself_is_good() {
    let sample = Sample::new();
    assert!(kubeconfig::parse(sample.fill(&document().to_string()).as_bytes()).is_ok());
    assert!(all_places().len() > 30);
}

#[test]
fn an_unknown_member_is_refused_in_every_object() {
    let sample = Sample::new();
    for (pointer, field) in all_places() {
        for member in ["exec", "Server", "<<", "token "] {
            let mut changed = document();
            let place = changed.pointer_mut(&pointer).unwrap();
            let Value::Object(members) = place else {
                continue;
            };
            members.insert(member.to_owned(), json!({"a": ["b"]}));
            let shown = if member == "token " {
                "\"token \""
            } else {
                member
            };
            let wanted = if field.is_empty() {
                shown.to_owned()
            } else {
                format!("{field}.{shown}")
            };
            let told = fields(&sample, &changed.to_string());
            assert_eq!(told, [wanted]);
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused_in_every_place() {
    let sample = Sample::new();
    for (pointer, field) in all_places() {
        for other in [
            json!(null),
            json!(1),
            json!(true),
            json!([]),
            json!({}),
            json!([{}]),
        ] {
            let mut changed = document();
            let place = changed.pointer_mut(&pointer).unwrap();
            let same_type = place.is_object() && other.is_object();
            let is_list_of_objects = place.is_array() && other == json!([{}]);
            if same_type || is_list_of_objects {
                continue;
            }
            *place = other.clone();
            let told = fields(&sample, &changed.to_string());
            let wanted = if field.is_empty() {
                "kubeconfig"
            } else {
                &field
            };
            assert!(
                told.iter().any(|told| told == wanted),
                "{field} = {other}: {told:?}"
            );
        }
    }
}

#[test]
fn a_repeated_member_is_refused_in_every_object() {
    let sample = Sample::new();
    let text = document().to_string();
    for (pointer, field) in all_places() {
        let Some(member) = pointer.rsplit('/').next().filter(|part| !part.is_empty()) else {
            continue;
        };
        if member.parse::<usize>().is_ok() {
            continue;
        }
        // The value's text stands once after this member; repeat the pair.
        let mut changed = document();
        let value = changed.pointer_mut(&pointer).unwrap();
        *value = json!("$MARK");
        let pair = format!("\"{member}\":\"$MARK\"");
        let original = document().pointer(&pointer).unwrap().to_string();
        let twice = format!("\"{member}\":{original},\"{member}\":{original}");
        let changed = changed.to_string().replace(&pair, &twice);
        assert_ne!(changed, text);
        assert_eq!(fields(&sample, &changed), [field]);
    }
}
