//! Every hostile name of T16 in every field that is a name, in both dialects.

use dcm_wire::documents::{
    read_cluster, read_logical_cloud, read_permission, read_project, read_provider, read_quota,
    read_reference, read_user_document,
};
use dcm_wire::{FieldValidation, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Row {
    text: Option<String>,
    repeat: Option<(String, usize)>,
    #[serde(default)]
    only: Vec<String>,
    why: String,
}

impl Row {
    fn name(&self) -> String {
        match (&self.text, &self.repeat) {
            (Some(text), _) => text.clone(),
            (None, Some((text, times))) => text.repeat(*times),
            (None, None) => unreachable!("a row has a text or a repeat"),
        }
    }

    fn applies_to(&self, grammars: &[&str]) -> bool {
        self.only.is_empty()
            || grammars
                .iter()
                .any(|grammar| self.only.iter().any(|o| o == grammar))
    }
}

/// A place where a name stands.
struct Place {
    field: &'static str,
    grammars: &'static [&'static str],
    /// An empty name means that it was left out.
    optional: bool,
    read: fn(&str) -> Result<(), Refusal>,
}

fn refusal<D>(
    read: impl FnOnce(&[u8]) -> Result<dcm_wire::Decoded<D>, Refusal>,
    body: &Value,
) -> Result<(), Refusal> {
    read(body.to_string().as_bytes()).map(|_| ())
}

const WARN: FieldValidation = FieldValidation::Warn;

fn cloud(body: &Value) -> Result<(), Refusal> {
    refusal(|bytes| read_logical_cloud(bytes, None, WARN), body)
}

fn reference(body: &Value) -> Result<(), Refusal> {
    refusal(|bytes| read_reference(bytes, None, WARN), body)
}

fn rule() -> Value {
    json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
}

fn named_rule(name: &str) -> Value {
    let mut rule = rule();
    rule["permission-name"] = name.into();
    rule
}

fn place(field: &'static str, read: fn(&str) -> Result<(), Refusal>) -> Place {
    Place {
        field,
        grammars: &["resource"],
        optional: false,
        read,
    }
}

fn documents() -> Vec<Place> {
    vec![
        place("metadata.name", |name| {
            let body = json!({"metadata": {"name": name}});
            refusal(|bytes| read_project(bytes, None, WARN), &body)
        }),
        place("metadata.name", |name| {
            let body = json!({"metadata": {"name": name}});
            refusal(|bytes| read_provider(bytes, None, WARN), &body)
        }),
        place("metadata.name", |name| {
            let body = json!({"metadata": {"name": name}, "spec": {"kubeconfig": "x"}});
            refusal(|bytes| read_cluster(bytes, None, WARN), &body)
        }),
        place("metadata.name", |name| {
            cloud(&json!({"metadata": {"name": name}}))
        }),
        place("metadata.name", |name| {
            let body = json!({"metadata": {"name": name}, "spec": rule()});
            refusal(|bytes| read_permission(bytes, None, WARN), &body)
        }),
        place("metadata.name", |name| {
            let body = json!({"metadata": {"name": name}});
            refusal(|bytes| read_user_document(bytes, None, WARN), &body)
        }),
        Place {
            optional: true,
            ..place("spec.user", |name| {
                let mut rule = rule();
                rule["user"] = name.into();
                let body = json!({"metadata": {"name": "a"}, "spec": rule});
                refusal(|bytes| read_permission(bytes, None, WARN), &body)
            })
        },
        Place {
            grammars: &["subdomain"],
            ..place("metadata.name", |name| {
                let body = json!({"metadata": {"name": name}, "spec": {"pods": "1"}});
                refusal(|bytes| read_quota(bytes, None, WARN), &body)
            })
        },
        place("metadata.name", |name| {
            let spec = json!({"clusterProvider": "p", "cluster": "c"});
            reference(&json!({"metadata": {"name": name}, "spec": spec}))
        }),
        place("spec.clusterProvider", |name| {
            reference(&json!({"spec": {"clusterProvider": name, "cluster": "c"}}))
        }),
        place("spec.cluster", |name| {
            reference(&json!({"spec": {"clusterProvider": "p", "cluster": name}}))
        }),
    ]
}

fn inside_clouds() -> Vec<Place> {
    vec![
        Place {
            grammars: &["label", "namespace"],
            optional: true,
            ..place("spec.namespace", |name| {
                cloud(&json!({"metadata": {"name": "a"}, "spec": {"namespace": name}}))
            })
        },
        Place {
            optional: true,
            ..place("spec.user.userName", |name| {
                cloud(&json!({"metadata": {"name": "a"}, "spec": {"user": {"userName": name}}}))
            })
        },
        place("spec.clusters[0].cluster", |name| {
            let clusters = json!([{"clusterProvider": "p", "cluster": name}]);
            cloud(&json!({"metadata": {"name": "a"}, "spec": {"clusters": clusters}}))
        }),
        place("spec.clusters[0].clusterProvider", |name| {
            let clusters = json!([{"clusterProvider": name, "cluster": "c"}]);
            cloud(&json!({"metadata": {"name": "a"}, "spec": {"clusters": clusters}}))
        }),
        Place {
            optional: true,
            ..place("spec.clusters[0].name", |name| {
                let clusters = json!([{"name": name, "clusterProvider": "p", "cluster": "c"}]);
                cloud(&json!({"metadata": {"name": "a"}, "spec": {"clusters": clusters}}))
            })
        },
        place("name", |name| cloud(&json!({"name": name}))),
        Place {
            grammars: &["label", "namespace"],
            optional: true,
            ..place("namespace", |name| {
                cloud(&json!({"name": "a", "namespace": name}))
            })
        },
        Place {
            optional: true,
            ..place("user.user-name", |name| {
                cloud(&json!({"name": "a", "user": {"user-name": name}}))
            })
        },
        place("user.user-permissions[0].permission-name", |name| {
            let permissions = json!([named_rule(name)]);
            let user = json!({"user-name": "u", "user-permissions": permissions});
            cloud(&json!({"name": "a", "user": user}))
        }),
        place("cluster-references[0].cluster-name", |name| {
            let members = json!([{"cluster-provider": "p", "cluster-name": name}]);
            cloud(&json!({"name": "a", "cluster-references": members}))
        }),
        place("cluster-references[0].cluster-provider", |name| {
            let members = json!([{"cluster-provider": name, "cluster-name": "c"}]);
            cloud(&json!({"name": "a", "cluster-references": members}))
        }),
    ]
}

#[test]
fn every_hostile_name_is_refused_in_every_field_with_the_field() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../data/bad_names.json")).unwrap();
    let mut checked = 0;
    for place in documents().into_iter().chain(inside_clouds()) {
        for row in rows.iter().filter(|row| row.applies_to(place.grammars)) {
            let name = row.name();
            if place.optional && name.is_empty() {
                continue;
            }
            let refusal = (place.read)(&name).expect_err(&format!("{} {}", place.field, row.why));
            assert_eq!(refusal.kind, dcm_types::Kind::Invalid, "{}", row.why);
            let fault = &refusal.faults[0];
            assert_eq!(fault.field, place.field, "{}", row.why);
            assert!(fault.got.chars().count() <= 65, "{}", row.why);
            assert!(
                !fault.got.contains(dcm_types::text::is_unprintable),
                "{}",
                row.why
            );
            checked += 1;
        }
    }
    assert!(checked > 2500, "{checked}");
}

#[test]
fn good_names_are_taken_in_every_field() {
    for place in documents().into_iter().chain(inside_clouds()) {
        for name in ["a", "a1", "edge-1", "0a"] {
            assert_eq!((place.read)(name), Ok(()), "{} {name}", place.field);
        }
    }
}
