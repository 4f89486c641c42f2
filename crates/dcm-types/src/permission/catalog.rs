//! What `*` stands for: the resources of Kubernetes itself that a tenant works with in a namespace.
//!
//! A fixed list, so that a permission means the same in every member, and the same tomorrow. Resources
//! that are installed into a cluster are granted by name only. Everything here is inside the envelope;
//! what the envelope lets be read only is read only here, too. Cluster-wide, the envelope takes away what
//! it refuses there, and a few resources without a namespace come to it.

use super::reach::Extent;

/// An API group and its resources.
type Group = (&'static str, &'static [&'static str]);

/// The groups, in the order in which roles name them.
const GROUPS: &[Group] = &[
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

/// What comes to it cluster-wide.
const WITHOUT_NAMESPACE: &[Group] = &[
    ("", &["namespaces", "nodes", "persistentvolumes"]),
    ("networking.k8s.io", &["ingressclasses"]),
    ("storage.k8s.io", &["storageclasses"]),
];

fn lists(extent: Extent) -> impl Iterator<Item = &'static Group> {
    let beyond = match extent {
        Extent::Namespace => &[],
        Extent::Cluster => WITHOUT_NAMESPACE,
    };
    GROUPS.iter().chain(beyond)
}

/// The names of all groups; some more than once.
pub(super) fn groups(extent: Extent) -> impl Iterator<Item = &'static str> {
    lists(extent).map(|(group, _)| *group)
}

/// The resources of a group; none when nothing of it is in the list.
pub(super) fn resources_of(extent: Extent, group: &str) -> Vec<&'static str> {
    lists(extent)
        .filter(|(name, _)| *name == group)
        .flat_map(|(_, resources)| resources.iter().copied())
        .collect()
}
