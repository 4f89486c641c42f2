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
    let istiod = format!("istiod-{name}");
    let inside = |kind: &str, group: &str, of: &str| json!({ "apiVersion": group, "kind": kind, "metadata": { "name": of, "namespace": name } });
    let wide = |kind: &str, group: &str, of: &str| {
        let of = format!("{of}-{name}");
        json!({ "apiVersion": group, "kind": kind, "metadata": { "name": of } })
    };
    let rbac = "rbac.authorization.k8s.io/v1";
    let admission = "admissionregistration.k8s.io/v1";
    let cluster = Member::stand_in().cluster().to_owned();
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }]);
    let subjects = json!([{ "kind": "ServiceAccount", "name": istiod, "namespace": name }]);
    let role_ref = |kind: &str, of: &str| json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": of });
    let webhook = json!([{ "name": "rev.namespace.sidecar-injector.istio.io", "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": { "service": { "name": istiod, "namespace": name, "path": "/inject" } } }]);
    let labels = json!({ "app": "istiod" });
    let deployment = json!({
        "selector": { "matchLabels": labels }, "replicas": 1,
        "template": { "metadata": { "labels": labels }, "spec": { "containers": [{
            "name": "discovery", "image": "registry.example/pilot:1.31.0",
            "env": [{ "name": "CLUSTER_ID", "value": cluster }],
            "resources": { "requests": { "cpu": "100m", "memory": "256Mi" } },
        }]}},
    });
    let with = |mut object: Value, members: &[(&str, Value)]| {
        for (name, value) in members {
            object[*name] = value.clone();
        }
        object
    };
    vec![
        definition("networking.istio.io", "Gateway", "gateways"),
        definition(
            "security.istio.io",
            "PeerAuthentication",
            "peerauthentications",
        ),
        definition("networking.istio.io", "ServiceEntry", "serviceentries"),
        inside("ServiceAccount", "v1", &istiod),
        with(
            inside("ConfigMap", "v1", &format!("istio-{name}")),
            &[(
                "data",
                json!({ "mesh": format!("cluster: {cluster}"), "meshNetworks": "networks: {}" }),
            )],
        ),
        with(
            wide("ClusterRole", rbac, "istiod-clusterrole"),
            &[("rules", rules.clone())],
        ),
        with(
            wide("ClusterRoleBinding", rbac, "istiod-clusterrole"),
            &[
                (
                    "roleRef",
                    role_ref("ClusterRole", &format!("istiod-clusterrole-{name}")),
                ),
                ("subjects", subjects.clone()),
            ],
        ),
        with(inside("Role", rbac, &istiod), &[("rules", rules)]),
        with(
            inside("RoleBinding", rbac, &istiod),
            &[
                ("roleRef", role_ref("Role", &istiod)),
                ("subjects", subjects),
            ],
        ),
        with(
            inside("Service", "v1", GATEWAY),
            &[(
                "spec",
                json!({ "type": "LoadBalancer", "selector": { "app": GATEWAY },
                "ports": [{ "name": "tls", "port": 15443 }] }),
            )],
        ),
        with(
            inside("Deployment", "apps/v1", &istiod),
            &[("spec", deployment)],
        ),
        with(
            inside("HorizontalPodAutoscaler", "autoscaling/v2", &istiod),
            &[(
                "spec",
                json!({ "maxReplicas": 5, "minReplicas": 1,
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": istiod } }),
            )],
        ),
        with(
            inside("PodDisruptionBudget", "policy/v1", &istiod),
            &[(
                "spec",
                json!({ "minAvailable": 1, "selector": { "matchLabels": labels } }),
            )],
        ),
        with(
            wide(
                "MutatingWebhookConfiguration",
                admission,
                "istio-sidecar-injector",
            ),
            &[("webhooks", webhook.clone())],
        ),
        with(
            wide(
                "ValidatingWebhookConfiguration",
                admission,
                "istio-validator",
            ),
            &[("webhooks", webhook)],
        ),
    ]
}
