//! What was rendered, read and taken apart: what clusters share, and what belongs to the tenant.

use serde_json::{Map, Value};
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::{Error, Member, MeshName};

/// Longest text; a control plane with its definitions takes 1.1 MB.
const SIZE_LIMIT: usize = 8 << 20;
/// Most objects; a control plane takes 34.
const OBJECT_LIMIT: usize = 500;
/// Deepest nesting; definitions of resources are deep.
const DEPTH: usize = 64;
/// Kinds without a namespace that may be in a manifest of a mesh.
const CLUSTER_WIDE: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];
const DEFINITION: &str = "CustomResourceDefinition";

/// Objects of a control plane in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Definitions of resources: one set per cluster, of no tenant. Never removed with a cloud.
    pub shared: Vec<Value>,
    /// Everything else: in the mesh's namespace, or cluster-wide with the mesh's name in its own.
    pub own: Vec<Value>,
}

impl Manifest {
    /// Reads what a renderer made for a mesh, and refuses what reaches out of it.
    pub fn read(text: &str, name: &MeshName) -> Result<Self, Error> {
        let mut manifest = Self {
            shared: Vec::new(),
            own: Vec::new(),
        };
        for mut object in parse(text)? {
            if kind(&object) == DEFINITION {
                manifest.shared.push(object);
                continue;
            }
            check(&mut object, name)?;
            manifest.own.push(object);
        }
        Ok(manifest)
    }

    /// The tenant's objects for one member: its own values in the place of the stand-ins.
    pub fn for_member(&self, member: &Member) -> Vec<Value> {
        let own = self.own.iter();
        own.map(|object| filled(object, member)).collect()
    }
}

fn parse(text: &str) -> Result<Vec<Value>, Error> {
    if text.len() > SIZE_LIMIT {
        return Err(Error::Unreadable("it is longer than 8 MiB".to_owned()));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(SIZE_LIMIT),
            max_aliases: 0,
            max_anchors: 0,
            max_depth: DEPTH,
            max_inclusion_depth: 0,
            max_documents: OBJECT_LIMIT,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Error::Unreadable(error.without_snippet().to_string()))?;
    let mut objects: Vec<_> = documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect();
    objects.iter_mut().for_each(drop_nothing);
    let complete = |object: &Value| {
        ["/apiVersion", "/kind", "/metadata/name"]
            .iter()
            .all(|place| object.pointer(place).is_some_and(Value::is_string))
    };
    if objects.is_empty() || !objects.iter().all(complete) {
        let rule =
            "each document must have apiVersion, kind and metadata.name, and there must be one";
        return Err(Error::Unreadable(rule.to_owned()));
    }
    Ok(objects)
}

/// A chart writes members without a value; a cluster has none of them, and every comparison would find them missing.
fn drop_nothing(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, one| !one.is_null());
            members.values_mut().for_each(drop_nothing);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nothing),
        _ => {}
    }
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

fn check(object: &mut Value, name: &MeshName) -> Result<(), Error> {
    let own = object["metadata"]["name"].as_str().unwrap_or_default();
    let foreign = |rule| {
        Err(Error::Foreign {
            kind: kind(object).to_owned(),
            name: own.to_owned(),
            rule,
        })
    };
    if CLUSTER_WIDE.contains(&kind(object)) {
        if !own.contains(name.as_str()) {
            return foreign("must have the mesh's name in its own, for it is cluster-wide");
        }
        // A chart writes a namespace into some of them, which a cluster takes away again.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("namespace");
        }
        leave_failure_policy(object);
        return Ok(());
    }
    if object["metadata"]["namespace"] != name.as_str() {
        return foreign("must be in the mesh's namespace");
    }
    Ok(())
}

/// A control plane turns `Ignore` into `Fail`, which is the default, once it works: written by us, it would be turned
/// to and fro for ever. Its webhook judges only objects that name its revision, so nothing of ours waits for it.
fn leave_failure_policy(object: &mut Value) {
    if kind(object) != "ValidatingWebhookConfiguration" {
        return;
    }
    let webhooks = object["webhooks"].as_array_mut().into_iter().flatten();
    for webhook in webhooks.filter_map(Value::as_object_mut) {
        webhook.remove("failurePolicy");
    }
}

fn filled(value: &Value, member: &Member) -> Value {
    match value {
        Value::String(text) => Value::String(member.fill(text)),
        Value::Array(list) => list.iter().map(|one| filled(one, member)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let filled: Map<_, _> = members
                .map(|(key, one)| (member.fill(key), filled(one, member)))
                .collect();
            Value::Object(filled)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest, Error> {
        Manifest::read(text, &MeshName::parse("istio-shop-1").unwrap())
    }

    fn object(kind: &str, name: &str, namespace: &str) -> String {
        format!(
            "---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        )
    }

    #[test]
    fn definitions_are_apart_and_a_namespace_of_cluster_wide_objects_goes() {
        let text = object("CustomResourceDefinition", "a.istio.io", "''")
            + &object("ClusterRole", "reader-istio-shop-1", "istio-shop-1")
            + &object("ConfigMap", "istio", "istio-shop-1");
        let manifest = read(&text).unwrap();
        assert_eq!((manifest.shared.len(), manifest.own.len()), (1, 2));
        assert_eq!(manifest.own[0].pointer("/metadata/namespace"), None);
    }

    #[test]
    fn members_without_a_value_are_dropped() {
        let text = object("ConfigMap", "istio", "istio-shop-1")
            + "data: {a: null, b: [{c: null, d: e}]}\n";
        let manifest = read(&text).unwrap();
        assert_eq!(
            manifest.own[0]["data"],
            serde_json::json!({ "b": [{ "d": "e" }] })
        );
    }

    #[test]
    fn a_webhook_that_the_control_plane_changes_is_left_to_it() {
        let text = object("ValidatingWebhookConfiguration", "v-istio-shop-1", "''")
            + "webhooks: [{name: a, failurePolicy: Ignore, sideEffects: None}]\n";
        let manifest = read(&text).unwrap();
        let webhooks = serde_json::json!([{ "name": "a", "sideEffects": "None" }]);
        assert_eq!(manifest.own[0]["webhooks"], webhooks);
    }

    #[test]
    fn what_reaches_out_of_the_mesh_is_refused() {
        for text in [
            object("ConfigMap", "istio", "kube-system"),
            object("ConfigMap", "istio", "''"),
            object("ClusterRole", "cluster-admin", "''"),
            object(
                "ValidatingWebhookConfiguration",
                "istiod-default-validator",
                "''",
            ),
            object("Namespace", "istio-shop-1", "''"),
            object("GatewayClass", "istio", "''"),
        ] {
            let refused = read(&text);
            assert!(
                matches!(refused, Err(Error::Foreign { .. })),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let many = object("ConfigMap", "istio", "istio-shop-1").repeat(OBJECT_LIMIT + 1);
        let twice = "apiVersion: v1\nkind: A\nkind: B\nmetadata: {name: a}\n";
        let alias = "apiVersion: v1\nkind: &a A\nmetadata: {name: *a}\n";
        for text in ["", "---\n", "a: b\n", "- a\n", "{", twice, alias, &many] {
            assert!(
                matches!(read(text), Err(Error::Unreadable(_))),
                "{text:.40}"
            );
        }
    }
}
