//! The objects of one logical cloud, with the content that the product gives them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// On everything made here.
pub(crate) const LABEL: &str = "bare-client";
/// Where the anchors are.
pub(crate) const SYSTEM_NAMESPACE: &str = "bare-client-system";

const RBAC: &str = "rbac.authorization.k8s.io";

fn object(api: &str, kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": api, "kind": kind,
        "metadata": {
            "name": name,
            "labels": { LABEL: name, "app.kubernetes.io/managed-by": LABEL },
            "annotations": { "bare-client/logical-cloud": format!("bench/{name}") },
        },
    })
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

pub(crate) fn system_namespace() -> Value {
    object("v1", "Namespace", SYSTEM_NAMESPACE)
}

pub(crate) fn anchor(name: &str) -> Value {
    let data = json!({ "project": "bench", "logical-cloud": name, "namespace": name });
    with(object("v1", "ConfigMap", name), "data", data)
}

pub(crate) fn namespace(name: &str) -> Value {
    let mut namespace = object("v1", "Namespace", name);
    namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = json!("baseline");
    namespace
}

pub(crate) fn quota(name: &str) -> Value {
    with(
        object("v1", "ResourceQuota", name),
        "spec",
        json!({ "hard": { "configmaps": "10" } }),
    )
}

pub(crate) fn network_policy(name: &str) -> Value {
    let spec = json!({
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{ "from": [{ "podSelector": {} }] }],
    });
    with(
        object("networking.k8s.io/v1", "NetworkPolicy", name),
        "spec",
        spec,
    )
}

pub(crate) fn certificate_request(name: &str, pem: &str) -> Value {
    let spec = json!({
        "request": STANDARD.encode(pem),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "expirationSeconds": 7 * 24 * 60 * 60,
        "usages": ["digital signature", "client auth"],
    });
    with(
        object("certificates.k8s.io/v1", "CertificateSigningRequest", name),
        "spec",
        spec,
    )
}

/// The request, approved.
pub(crate) fn approved(mut request: Value) -> Value {
    request["status"]["conditions"] = json!([{
        "type": "Approved", "status": "True", "reason": "Bench", "message": "for a measurement",
    }]);
    request
}

pub(crate) fn role(name: &str) -> Value {
    let rules = json!([{
        "apiGroups": [""], "resources": ["configmaps"],
        "verbs": ["get", "list", "create", "update", "delete"],
    }]);
    with(object(&format!("{RBAC}/v1"), "Role", name), "rules", rules)
}

pub(crate) fn role_binding(name: &str, user: &str) -> Value {
    let subjects = json!([{ "kind": "User", "name": user, "apiGroup": RBAC }]);
    let binding = with(
        object(&format!("{RBAC}/v1"), "RoleBinding", name),
        "subjects",
        subjects,
    );
    with(
        binding,
        "roleRef",
        json!({ "apiGroup": RBAC, "kind": "Role", "name": name }),
    )
}
