//! The kinds that are there from the start, with their structure.

use super::{ALL_VERBS, Kind};
use crate::kubesim::shape::{METADATA, Shape};

const LEAF: Shape = Shape::Leaf;
const ATOMIC: Shape = Shape::Atomic;
const LEAVES: Shape = Shape::Map(&LEAF);
const TYPE: (&str, Shape) = ("apiVersion", LEAF);
const KIND: (&str, Shape) = ("kind", LEAF);
const META: (&str, Shape) = ("metadata", METADATA);

const CONDITIONS: Shape = Shape::Keyed(
    &["type"],
    &Shape::Struct(&[
        ("type", LEAF),
        ("status", LEAF),
        ("reason", LEAF),
        ("message", LEAF),
        ("lastTransitionTime", LEAF),
        ("lastUpdateTime", LEAF),
    ]),
);

const NAMESPACE: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("spec", Shape::Struct(&[("finalizers", ATOMIC)])),
    (
        "status",
        Shape::Struct(&[("phase", LEAF), ("conditions", CONDITIONS)]),
    ),
]);
const CONFIG_MAP: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("data", LEAVES),
    ("binaryData", LEAVES),
    ("immutable", LEAF),
]);
const SECRET: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("data", LEAVES),
    ("stringData", LEAVES),
    ("type", LEAF),
    ("immutable", LEAF),
]);
const SERVICE_ACCOUNT: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("secrets", Shape::Keyed(&["name"], &Shape::Free)),
    ("imagePullSecrets", Shape::Keyed(&["name"], &Shape::Free)),
    ("automountServiceAccountToken", LEAF),
]);
const RESOURCE_QUOTA: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    (
        "spec",
        Shape::Struct(&[
            ("hard", LEAVES),
            ("scopes", ATOMIC),
            ("scopeSelector", ATOMIC),
        ]),
    ),
    (
        "status",
        Shape::Struct(&[("hard", LEAVES), ("used", LEAVES)]),
    ),
]);
const LIMIT_RANGE: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("spec", Shape::Struct(&[("limits", ATOMIC)])),
]);
const NETWORK_POLICY: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    (
        "spec",
        Shape::Struct(&[
            ("podSelector", ATOMIC),
            ("ingress", ATOMIC),
            ("egress", ATOMIC),
            ("policyTypes", ATOMIC),
        ]),
    ),
]);
const ROLE: Shape = Shape::Struct(&[TYPE, KIND, META, ("rules", ATOMIC)]);
const CLUSTER_ROLE: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("rules", ATOMIC),
    (
        "aggregationRule",
        Shape::Struct(&[("clusterRoleSelectors", ATOMIC)]),
    ),
]);
const BINDING: Shape =
    Shape::Struct(&[TYPE, KIND, META, ("subjects", ATOMIC), ("roleRef", ATOMIC)]);
const CERTIFICATE_REQUEST: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    (
        "spec",
        Shape::Struct(&[
            ("request", LEAF),
            ("signerName", LEAF),
            ("expirationSeconds", LEAF),
            ("usages", ATOMIC),
            ("username", LEAF),
            ("uid", LEAF),
            ("groups", ATOMIC),
            ("extra", Shape::Map(&ATOMIC)),
        ]),
    ),
    (
        "status",
        Shape::Struct(&[("certificate", LEAF), ("conditions", CONDITIONS)]),
    ),
]);

/// One row of the table.
struct Row {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    namespaced: bool,
    subresources: &'static [&'static str],
    shape: Shape,
    empty: &'static str,
}

/// Of these no more is known than what every object has; lists are owned as a whole, and nothing is added to them.
const UNKNOWN: Shape = Shape::Struct(&[
    TYPE,
    KIND,
    META,
    ("spec", Shape::Free),
    ("webhooks", ATOMIC),
    ("status", Shape::Free),
]);

const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const NO_RULES: &str = r#"{"metadata":{},"rules":null}"#;
const META_ONLY: &str = r#"{"metadata":{}}"#;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", short_names: &["cm"], namespaced: true,
          subresources: &[], shape: CONFIG_MAP, empty: META_ONLY },
    Row { group: "", version: "v1", kind: "LimitRange", plural: "limitranges", short_names: &["limits"], namespaced: true,
          subresources: &[], shape: LIMIT_RANGE, empty: r#"{"metadata":{},"spec":{}}"# },
    Row { group: "", version: "v1", kind: "Namespace", plural: "namespaces", short_names: &["ns"], namespaced: false,
          subresources: &["finalize", "status"], shape: NAMESPACE, empty: r#"{"metadata":{},"spec":{},"status":{}}"# },
    Row { group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas", short_names: &["quota"], namespaced: true,
          subresources: &["status"], shape: RESOURCE_QUOTA, empty: r#"{"metadata":{},"spec":{},"status":{}}"# },
    Row { group: "", version: "v1", kind: "Secret", plural: "secrets", short_names: &[], namespaced: true,
          subresources: &[], shape: SECRET, empty: META_ONLY },
    Row { group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", short_names: &["sa"], namespaced: true,
          subresources: &["token"], shape: SERVICE_ACCOUNT, empty: META_ONLY },
    Row { group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", plural: "customresourcedefinitions",
          short_names: &["crd", "crds"], namespaced: false, subresources: &["status"], shape: Shape::Free, empty: META_ONLY },
    Row { group: "certificates.k8s.io", version: "v1", kind: "CertificateSigningRequest", plural: "certificatesigningrequests",
          short_names: &["csr"], namespaced: false, subresources: &["approval", "status"], shape: CERTIFICATE_REQUEST,
          empty: r#"{"metadata":{},"spec":{},"status":{}}"# },
    Row { group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", plural: "networkpolicies", short_names: &["netpol"],
          namespaced: true, subresources: &[], shape: NETWORK_POLICY,
          empty: r#"{"metadata":{},"spec":{"podSelector":{}}}"# },
    Row { group: RBAC, version: "v1", kind: "ClusterRoleBinding", plural: "clusterrolebindings", short_names: &[], namespaced: false,
          subresources: &[], shape: BINDING, empty: META_ONLY },
    Row { group: RBAC, version: "v1", kind: "ClusterRole", plural: "clusterroles", short_names: &[], namespaced: false,
          subresources: &[], shape: CLUSTER_ROLE, empty: NO_RULES },
    Row { group: RBAC, version: "v1", kind: "RoleBinding", plural: "rolebindings", short_names: &[], namespaced: true,
          subresources: &[], shape: BINDING, empty: META_ONLY },
    Row { group: RBAC, version: "v1", kind: "Role", plural: "roles", short_names: &[], namespaced: true,
          subresources: &[], shape: ROLE, empty: NO_RULES },
    Row { group: "", version: "v1", kind: "Service", plural: "services", short_names: &["svc"], namespaced: true,
          subresources: &["status"], shape: UNKNOWN, empty: META_ONLY },
    Row { group: "apps", version: "v1", kind: "Deployment", plural: "deployments", short_names: &["deploy"],
          namespaced: true, subresources: &["status"], shape: UNKNOWN, empty: META_ONLY },
    Row { group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers",
          short_names: &["hpa"], namespaced: true, subresources: &["status"], shape: UNKNOWN, empty: META_ONLY },
    Row { group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets",
          short_names: &["pdb"], namespaced: true, subresources: &["status"], shape: UNKNOWN, empty: META_ONLY },
    Row { group: ADMISSION, version: "v1", kind: "MutatingWebhookConfiguration", plural: "mutatingwebhookconfigurations",
          short_names: &[], namespaced: false, subresources: &[], shape: UNKNOWN, empty: META_ONLY },
    Row { group: ADMISSION, version: "v1", kind: "ValidatingWebhookConfiguration",
          plural: "validatingwebhookconfigurations", short_names: &[], namespaced: false, subresources: &[],
          shape: UNKNOWN, empty: META_ONLY },
];

pub(super) fn all() -> Vec<Kind> {
    ROWS.iter().map(of).collect()
}

fn of(row: &Row) -> Kind {
    Kind {
        group: row.group.to_owned(),
        version: row.version.to_owned(),
        kind: row.kind.to_owned(),
        plural: row.plural.to_owned(),
        singular: row.kind.to_lowercase(),
        short_names: row
            .short_names
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        namespaced: row.namespaced,
        verbs: if row.kind == "Namespace" {
            // A real one has no deletecollection of namespaces either.
            &[
                "create", "delete", "get", "list", "patch", "update", "watch",
            ]
        } else {
            ALL_VERBS
        },
        subresources: row.subresources.to_vec(),
        shape: row.shape,
        empty: row.empty,
        custom: false,
    }
}
