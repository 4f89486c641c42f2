//! The envelope itself: which groups, resources and verbs a tenant can be granted, and why not.
//!
//! Everything that is not named here may be granted, because tenants bring resources of their own;
//! what is named here either leads out of the namespace, or undoes what keeps the tenant in it.
//!
//! Cluster-wide it is narrower by far: only reading, no secrets, nothing that acts when it is read. Who
//! writes in every namespace runs pods beside the cluster's own, as whatever service account is there.

use super::reach::Extent;

/// Verbs that can be granted.
pub(super) const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];

/// Verbs that change nothing.
const READING: &[&str] = &["get", "list", "watch"];

/// Groups of which nothing can be granted, whatever they will hold one day.
const GROUPS: &[(&str, Refusal)] = &[
    ("rbac.authorization.k8s.io", Refusal::Rights),
    ("authorization.k8s.io", Refusal::Rights),
    ("authentication.k8s.io", Refusal::Identity),
    ("certificates.k8s.io", Refusal::Identity),
    ("admissionregistration.k8s.io", Refusal::Cluster),
    ("apiextensions.k8s.io", Refusal::Cluster),
    ("apiregistration.k8s.io", Refusal::Cluster),
    ("flowcontrol.apiserver.k8s.io", Refusal::Cluster),
    ("internal.apiserver.k8s.io", Refusal::Cluster),
    ("node.k8s.io", Refusal::Cluster),
    ("scheduling.k8s.io", Refusal::Cluster),
];

/// Resources that cannot be granted in any group, with all their subresources.
const RESOURCES: &[(&str, Refusal)] = &[
    ("roles", Refusal::Rights),
    ("rolebindings", Refusal::Rights),
    ("clusterroles", Refusal::Rights),
    ("clusterrolebindings", Refusal::Rights),
    ("localsubjectaccessreviews", Refusal::Rights),
    ("selfsubjectaccessreviews", Refusal::Rights),
    ("selfsubjectrulesreviews", Refusal::Rights),
    ("subjectaccessreviews", Refusal::Rights),
    ("certificatesigningrequests", Refusal::Identity),
    ("clustertrustbundles", Refusal::Identity),
    ("selfsubjectreviews", Refusal::Identity),
    ("signers", Refusal::Identity),
    ("tokenreviews", Refusal::Identity),
    ("apiservices", Refusal::Cluster),
    ("componentstatuses", Refusal::Cluster),
    ("csidrivers", Refusal::Cluster),
    ("csinodes", Refusal::Cluster),
    ("customresourcedefinitions", Refusal::Cluster),
    ("flowschemas", Refusal::Cluster),
    ("ingressclasses", Refusal::Cluster),
    ("mutatingadmissionpolicies", Refusal::Cluster),
    ("mutatingadmissionpolicybindings", Refusal::Cluster),
    ("mutatingwebhookconfigurations", Refusal::Cluster),
    ("namespaces", Refusal::Cluster),
    ("nodes", Refusal::Cluster),
    ("persistentvolumes", Refusal::Cluster),
    ("podsecuritypolicies", Refusal::Cluster),
    ("priorityclasses", Refusal::Cluster),
    ("prioritylevelconfigurations", Refusal::Cluster),
    ("runtimeclasses", Refusal::Cluster),
    ("storageclasses", Refusal::Cluster),
    ("validatingadmissionpolicies", Refusal::Cluster),
    ("validatingadmissionpolicybindings", Refusal::Cluster),
    ("validatingwebhookconfigurations", Refusal::Cluster),
    ("volumeattachments", Refusal::Cluster),
    ("webhookconfigurations", Refusal::Cluster),
    ("bindings", Refusal::Scheduling),
];

/// Subresources that cannot be granted, while the resource itself can.
const SUBRESOURCES: &[(&str, Refusal)] = &[
    ("serviceaccounts/token", Refusal::Identity),
    ("pods/binding", Refusal::Scheduling),
    // Their containers are counted by no quota and get no limit.
    ("pods/ephemeralcontainers", Refusal::Quota),
    // The API server itself would open the connection, from its own network.
    ("pods/proxy", Refusal::Proxy),
    ("services/proxy", Refusal::Proxy),
];

/// What a tenant may read and must not change: it is what keeps the tenant in (T19), or what its
/// neighbours and the cluster's components believe.
const READ_ONLY: &[&str] = &[
    "resourcequotas",
    "limitranges",
    "networkpolicies",
    "ciliumnetworkpolicies",
    // Addresses that traffic is sent to, also from outside of the namespace (CVE-2021-25740).
    "endpoints",
    "endpointslices",
    // An address in the status of a service attracts traffic of others (CVE-2020-8554).
    "services/status",
    "ingresses/status",
    "pods/status",
    "persistentvolumeclaims/status",
];

/// What has no namespace and may be read by who has a cluster-wide permission; of no subresource.
const READABLE_CLUSTER_WIDE: &[&str] = &[
    "ingressclasses",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "storageclasses",
];

/// Subresources that show something. All others may act when they are read: `exec` opens a shell.
const SHOWING: &[&str] = &["scale", "status"];
/// The one that shows something of pods alone.
const POD_LOG: &str = "pods/log";

/// Why something cannot be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It changes or reveals rights.
    Rights,
    /// It makes identities.
    Identity,
    /// It belongs to the whole cluster.
    Cluster,
    /// It decides where pods run.
    Scheduling,
    /// It goes around quotas.
    Quota,
    /// It makes the API server connect.
    Proxy,
    /// It may be read only.
    ReadOnly,
    /// It changes something in every namespace.
    WritesEverywhere,
    /// It shows the credentials of everybody.
    SecretsEverywhere,
    /// Reading it does something in every namespace.
    ActsEverywhere,
    /// It is no verb that reads or writes.
    Verb,
}

impl Refusal {
    /// The reason, as a sentence part.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Rights => "it would let the tenant see or change rights",
            Self::Identity => "it would let the tenant become somebody else",
            Self::Cluster => "it belongs to the cluster and its operator, not to a namespace",
            Self::Scheduling => "it would let the tenant choose nodes past the scheduler",
            Self::Quota => "its containers are counted by no quota",
            Self::Proxy => "it makes the API server open connections; use pods/portforward",
            Self::ReadOnly => "a tenant may only read it",
            Self::WritesEverywhere => {
                "a cluster-wide permission has get, list and watch only; to write, name a namespace"
            }
            Self::SecretsEverywhere => {
                "cluster-wide it would show the credentials of everybody; name a namespace"
            }
            Self::ActsEverywhere => {
                "cluster-wide, of subresources only status, scale and pods/log can be read; name a namespace"
            }
            Self::Verb => {
                "grantable are get, list, watch, create, update, patch, delete, deletecollection"
            }
        }
    }
}

fn find(rows: &[(&str, Refusal)], wanted: &str) -> Result<(), Refusal> {
    match rows.iter().find(|(name, _)| *name == wanted) {
        Some((_, refusal)) => Err(*refusal),
        None => Ok(()),
    }
}

/// Judges a group with any resource and verb.
pub(super) fn judge_group(group: &str) -> Result<(), Refusal> {
    find(GROUPS, group)
}

/// Judges a resource in any group, with reading verbs.
pub(super) fn judge_resource(extent: Extent, resource: &str) -> Result<(), Refusal> {
    if extent == Extent::Cluster && READABLE_CLUSTER_WIDE.contains(&resource) {
        return Ok(());
    }
    let (name, subresource) = match resource.split_once('/') {
        Some((name, subresource)) => (name, Some(subresource)),
        None => (resource, None),
    };
    find(RESOURCES, name)?;
    find(SUBRESOURCES, resource)?;
    if extent == Extent::Namespace {
        return Ok(());
    }
    if name == "secrets" {
        return Err(Refusal::SecretsEverywhere);
    }
    let shows = subresource.is_none_or(|part| SHOWING.contains(&part)) || resource == POD_LOG;
    if shows {
        Ok(())
    } else {
        Err(Refusal::ActsEverywhere)
    }
}

/// Judges a verb.
pub(super) fn judge_verb(extent: Extent, verb: &str) -> Result<(), Refusal> {
    if !VERBS.contains(&verb) {
        return Err(Refusal::Verb);
    }
    if extent == Extent::Cluster && !READING.contains(&verb) {
        return Err(Refusal::WritesEverywhere);
    }
    Ok(())
}

/// Judges one combination; this is the whole envelope.
pub(super) fn judge(
    extent: Extent,
    group: &str,
    resource: &str,
    verb: &str,
) -> Result<(), Refusal> {
    judge_group(group)?;
    judge_resource(extent, resource)?;
    judge_verb(extent, verb)?;
    let name = resource.split('/').next().unwrap_or(resource);
    let kept = READ_ONLY.contains(&name) || READ_ONLY.contains(&resource);
    if kept && !READING.contains(&verb) {
        return Err(Refusal::ReadOnly);
    }
    Ok(())
}
