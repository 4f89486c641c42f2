//! A small manifest with an object of nearly every kind that a control plane has.

use dcm_mesh::Member;
use dcm_mesh::values::GATEWAY;
use serde_json::{Value, json};

/// Its text for the mesh of this name.
pub(super) fn of(name: &str) -> String {
    let documents: Vec<String> = objects(name).iter().map(Value::to_string).collect();
    documents.join("\n---\n")
}

/// Names of the definitions in it.
pub(super) const DEFINITIONS: [&str; 3] = [
    "gateways.networking.istio.io",
    "peerauthentications.security.istio.io",
    "serviceentries.networking.istio.io",
];

fn definition(group: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }],
        },
    })
}

fn objects(name: &str) -> Vec<Value> {
    let mut all = vec![
        definition("networking.istio.io", "Gateway", "gateways"),
        definition(
            "security.istio.io",
            "PeerAuthentication",
            "peerauthentications",
        ),
        definition("networking.istio.io", "ServiceEntry", "serviceentries"),
    ];
    all.extend(rights(name));
    all.extend(settings(name));
    all.extend(workload(name));
    all.extend(webhooks(name));
    all
}

/// An object in the namespace of the mesh.
fn inside(name: &str, (group, kind): (&str, &str), of: &str) -> Value {
    json!({ "apiVersion": group, "kind": kind, "metadata": { "name": of, "namespace": name } })
}

/// An object in none.
fn wide(name: &str, (group, kind): (&str, &str), of: &str) -> Value {
    let of = format!("{of}-{name}");
    json!({ "apiVersion": group, "kind": kind, "metadata": { "name": of } })
}

fn with(mut object: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        return object;
    };
    for (name, value) in members {
        object[name] = value;
    }
    object
}

fn istiod(name: &str) -> String {
    format!("istiod-{name}")
}

fn rights(name: &str) -> Vec<Value> {
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    let istiod = istiod(name);
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }]);
    let subjects = json!([{ "kind": "ServiceAccount", "name": istiod, "namespace": name }]);
    let bound = |kind: &str, role: &str| {
        let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role });
        json!({ "roleRef": role, "subjects": subjects })
    };
    let of_cluster = "istiod-clusterrole";
    let wide_role = format!("{of_cluster}-{name}");
    vec![
        inside(name, ("v1", "ServiceAccount"), &istiod),
        with(
            wide(name, (RBAC, "ClusterRole"), of_cluster),
            json!({ "rules": rules }),
        ),
        with(
            wide(name, (RBAC, "ClusterRoleBinding"), of_cluster),
            bound("ClusterRole", &wide_role),
        ),
        with(
            inside(name, (RBAC, "Role"), &istiod),
            json!({ "rules": rules }),
        ),
        with(
            inside(name, (RBAC, "RoleBinding"), &istiod),
            bound("Role", &istiod),
        ),
    ]
}

fn settings(name: &str) -> Vec<Value> {
    let cluster = Member::stand_in().cluster().to_owned();
    let data = json!({ "mesh": format!("cluster: {cluster}"), "meshNetworks": "networks: {}" });
    let spec = json!({ "type": "LoadBalancer", "selector": { "app": GATEWAY },
        "ports": [{ "name": "tls", "port": 15443 }] });
    vec![
        with(
            inside(name, ("v1", "ConfigMap"), &format!("istio-{name}")),
            json!({ "data": data }),
        ),
        with(
            inside(name, ("v1", "Service"), GATEWAY),
            json!({ "spec": spec }),
        ),
    ]
}

fn workload(name: &str) -> Vec<Value> {
    let istiod = istiod(name);
    let cluster = Member::stand_in().cluster().to_owned();
    let labels = json!({ "app": "istiod" });
    let deployment = json!({
        "selector": { "matchLabels": labels }, "replicas": 1,
        "template": { "metadata": { "labels": labels }, "spec": { "containers": [{
            "name": "discovery", "image": "registry.example/pilot:1.31.0",
            "env": [{ "name": "CLUSTER_ID", "value": cluster }],
            "resources": { "requests": { "cpu": "100m", "memory": "256Mi" } },
        }]}},
    });
    let scaled = json!({ "maxReplicas": 5, "minReplicas": 1,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": istiod } });
    let budget = json!({ "minAvailable": 1, "selector": { "matchLabels": labels } });
    [
        (("apps/v1", "Deployment"), deployment),
        (("autoscaling/v2", "HorizontalPodAutoscaler"), scaled),
        (("policy/v1", "PodDisruptionBudget"), budget),
    ]
    .into_iter()
    .map(|(kind, spec)| with(inside(name, kind, &istiod), json!({ "spec": spec })))
    .collect()
}

fn webhooks(name: &str) -> Vec<Value> {
    const ADMISSION: &str = "admissionregistration.k8s.io/v1";
    let webhooks = json!({ "webhooks": [{
        "name": "rev.namespace.sidecar-injector.istio.io", "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": { "service": { "name": istiod(name), "namespace": name, "path": "/inject" } },
    }]});
    [
        ("MutatingWebhookConfiguration", "istio-sidecar-injector"),
        ("ValidatingWebhookConfiguration", "istio-validator"),
    ]
    .into_iter()
    .map(|(kind, of)| with(wide(name, (ADMISSION, kind), of), webhooks.clone()))
    .collect()
}
