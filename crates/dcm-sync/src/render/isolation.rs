//! Network policies of a preset.

use dcm_types::Track;
use dcm_types::documents::{Isolation, Revision};
use dcm_types::member_name::{EGRESS_POLICY, INGRESS_POLICY};
use serde_json::{Value, json};

use super::{Wanted, in_namespace};
use dcm_cluster::Resource;

/// None for `open`; ingress for `baseline`; ingress and egress for `strict`.
pub(super) fn policies(revision: &Revision) -> Vec<Wanted> {
    match revision.slice.isolation {
        Isolation::Open => Vec::new(),
        Isolation::Baseline => vec![policy(revision, INGRESS_POLICY, &ingress())],
        Isolation::Strict => vec![
            policy(revision, INGRESS_POLICY, &ingress()),
            policy(revision, EGRESS_POLICY, &egress()),
        ],
    }
}

fn policy(revision: &Revision, name: &str, spec: &Value) -> Wanted {
    let (place, object) = in_namespace(revision, Resource::NetworkPolicy, name);
    Wanted {
        track: Track::Isolation,
        place,
        object: object.with("spec", spec.clone()),
    }
}

/// From pods of the own namespace only.
fn ingress() -> Value {
    json!({
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{ "from": [{ "podSelector": {} }] }],
    })
}

/// To pods of the own namespace, and to the cluster's name service.
fn egress() -> Value {
    let name_service = json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
        "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
    });
    json!({
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            { "to": [{ "podSelector": {} }] },
            {
                "to": [name_service],
                "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }],
            },
        ],
    })
}
