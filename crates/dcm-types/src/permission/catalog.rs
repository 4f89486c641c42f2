//! What `*` stands for: the resources of Kubernetes itself that a tenant works with in a namespace.
//!
//! A fixed list, so that a permission means the same in every member, and the same tomorrow. Resources
//! that are installed into a cluster are granted by name only. Everything here is inside the envelope;
//! what the envelope lets be read only is read only here, too.

/// An API group and its resources.
pub(super) type Group = (&'static str, &'static [&'static str]);

/// The groups, in the order in which roles name them.
pub(super) const GROUPS: &[Group] = &[
    (
        "",
        &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "pods/attach",
            "pods/eviction",
            "pods/exec",
            "pods/log",
            "pods/portforward",
            "pods/status",
            "podtemplates",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "resourcequotas",
            "secrets",
            "serviceaccounts",
            "services",
            "services/status",
        ],
    ),
    (
        "apps",
        &[
            "controllerrevisions",
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("coordination.k8s.io", &["leases"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("events.k8s.io", &["events"]),
    (
        "networking.k8s.io",
        &["ingresses", "ingresses/status", "networkpolicies"],
    ),
    ("policy", &["poddisruptionbudgets"]),
];

/// The resources of a group; none when nothing of it is in the list.
pub(super) fn resources_of(group: &str) -> &'static [&'static str] {
    GROUPS
        .iter()
        .find(|(name, _)| *name == group)
        .map_or(&[], |(_, resources)| resources)
}
