//! Objects of a member as JSON, the resources that we know, and how an object is compared with a wish.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use dcm_types::documents::ObjectIdentity;
use dcm_types::member_name::{MANAGER, OWNER_LABEL};

use crate::Guard;

/// The resources that we write or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resource {
    Namespace,
    ConfigMap,
    ResourceQuota,
    LimitRange,
    NetworkPolicy,
    Role,
    RoleBinding,
    CertificateSigningRequest,
    ServiceAccount,
    ClusterRole,
    ClusterRoleBinding,
    Secret,
    Service,
    Deployment,
    HorizontalPodAutoscaler,
    PodDisruptionBudget,
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
    Gateway,
    ServiceEntry,
    PeerAuthentication,
    CustomResourceDefinition,
}

/// How a resource is served.
struct Served {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
}

/// In a namespace.
const fn inside(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Served {
    Served {
        group,
        version,
        kind,
        plural,
        namespaced: true,
    }
}

/// In none.
const fn wide(group: &'static str, kind: &'static str, plural: &'static str) -> Served {
    Served {
        group,
        version: "v1",
        kind,
        plural,
        namespaced: false,
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const ISTIO_NETWORKING: &str = "networking.istio.io";

impl Resource {
    /// What every logical cloud needs, in the order in which they are listed.
    pub const STANDARD: [Self; 9] = [
        Self::Namespace,
        Self::ConfigMap,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::NetworkPolicy,
        Self::Role,
        Self::RoleBinding,
        Self::CertificateSigningRequest,
        Self::ServiceAccount,
    ];

    /// What privileged logical clouds need besides; a credential may do without it.
    pub const PRIVILEGED: [Self; 2] = [Self::ClusterRole, Self::ClusterRoleBinding];

    /// What a mesh needs besides both; a cluster need not serve all of it.
    pub const MESH: [Self; 10] = [
        Self::Secret,
        Self::Service,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::PodDisruptionBudget,
        Self::MutatingWebhookConfiguration,
        Self::ValidatingWebhookConfiguration,
        Self::Gateway,
        Self::ServiceEntry,
        Self::PeerAuthentication,
    ];

    #[rustfmt::skip]
    const fn served(self) -> Served {
        match self {
            Self::Namespace => wide("", "Namespace", "namespaces"),
            Self::ConfigMap => inside("", "v1", "ConfigMap", "configmaps"),
            Self::ResourceQuota => inside("", "v1", "ResourceQuota", "resourcequotas"),
            Self::LimitRange => inside("", "v1", "LimitRange", "limitranges"),
            Self::ServiceAccount => inside("", "v1", "ServiceAccount", "serviceaccounts"),
            Self::Secret => inside("", "v1", "Secret", "secrets"),
            Self::Service => inside("", "v1", "Service", "services"),
            Self::NetworkPolicy => inside("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
            Self::Role => inside(RBAC, "v1", "Role", "roles"),
            Self::RoleBinding => inside(RBAC, "v1", "RoleBinding", "rolebindings"),
            Self::ClusterRole => wide(RBAC, "ClusterRole", "clusterroles"),
            Self::ClusterRoleBinding => wide(RBAC, "ClusterRoleBinding", "clusterrolebindings"),
            Self::CertificateSigningRequest =>
                wide("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests"),
            Self::Deployment => inside("apps", "v1", "Deployment", "deployments"),
            Self::HorizontalPodAutoscaler =>
                inside("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            Self::PodDisruptionBudget => inside("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
            Self::MutatingWebhookConfiguration =>
                wide(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
            Self::ValidatingWebhookConfiguration =>
                wide(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
            Self::Gateway => inside(ISTIO_NETWORKING, "v1", "Gateway", "gateways"),
            Self::ServiceEntry => inside(ISTIO_NETWORKING, "v1", "ServiceEntry", "serviceentries"),
            Self::PeerAuthentication =>
                inside("security.istio.io", "v1", "PeerAuthentication", "peerauthentications"),
            Self::CustomResourceDefinition =>
                wide("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
        }
    }

    /// API group, empty for the core group.
    pub const fn group(self) -> &'static str {
        self.served().group
    }

    /// Version of the group in which we read and write it.
    pub const fn version(self) -> &'static str {
        self.served().version
    }

    /// `kind`.
    pub const fn kind(self) -> &'static str {
        self.served().kind
    }

    /// Plural, as in URLs and rights.
    pub const fn plural(self) -> &'static str {
        self.served().plural
    }

    /// Whether objects of it live in a namespace.
    pub const fn namespaced(self) -> bool {
        self.served().namespaced
    }

    /// Whether an object of it gives rights to somebody.
    pub const fn is_binding(self) -> bool {
        matches!(self, Self::RoleBinding | Self::ClusterRoleBinding)
    }

    /// Whether objects of it are roles or bindings, which a permission can have outside of the cloud's
    /// own namespace.
    pub const fn is_access(self) -> bool {
        matches!(
            self,
            Self::Role | Self::RoleBinding | Self::ClusterRole | Self::ClusterRoleBinding
        )
    }

    /// `apiVersion`.
    pub fn api_version(self) -> String {
        if self.group().is_empty() {
            self.version().to_owned()
        } else {
            format!("{}/{}", self.group(), self.version())
        }
    }

    /// The resource of a kind.
    pub fn of_kind(kind: &str) -> Option<Self> {
        Self::STANDARD
            .into_iter()
            .chain(Self::PRIVILEGED)
            .chain(Self::MESH)
            .chain([Self::CustomResourceDefinition])
            .find(|resource| resource.kind() == kind)
    }
}

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Its resource.
    pub resource: Resource,
    /// Its namespace; `None` for cluster-scoped resources.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Place {
    /// The place as it is written into status and inventory.
    pub fn identity(&self) -> ObjectIdentity {
        ObjectIdentity {
            group: self.resource.group().to_owned(),
            version: self.resource.version().to_owned(),
            kind: self.resource.kind().to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// An object as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Value);

impl Object {
    /// A new object with labels.
    pub fn new(place: &Place, labels: &Value) -> Self {
        let mut metadata = json!({ "name": place.name, "labels": labels });
        if let Some(namespace) = &place.namespace {
            metadata["namespace"] = json!(namespace);
        }
        Self(json!({
            "apiVersion": place.resource.api_version(),
            "kind": place.resource.kind(),
            "metadata": metadata,
        }))
    }

    /// Sets a top-level member.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.0[member] = value;
        self
    }

    /// A value by JSON pointer.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// A text by JSON pointer; empty when it is not there.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// The uid of the logical cloud that owns it, by our label; empty when it has none.
    pub fn owner(&self) -> &str {
        self.at("/metadata/labels")
            .and_then(|labels| labels.get(OWNER_LABEL))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether it is being deleted.
    pub fn is_terminating(&self) -> bool {
        self.at("/metadata/deletionTimestamp")
            .is_some_and(|time| !time.is_null())
    }

    /// Where it is; `None` when it is of no known resource.
    pub fn place(&self) -> Option<Place> {
        let resource = Resource::of_kind(self.kind())?;
        // A kind of the same name in another group is another one.
        let version = self.text("/apiVersion");
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        if !version.is_empty() && group != resource.group() {
            return None;
        }
        let namespace = resource
            .namespaced()
            .then(|| self.text("/metadata/namespace").to_owned());
        Some(Place {
            resource,
            namespace,
            name: self.name().to_owned(),
        })
    }

    /// A copy that carries uid and resourceVersion.
    #[must_use]
    pub fn guarded_by(&self, guard: &Guard) -> Self {
        let mut copy = self.clone();
        copy.0["metadata"]["uid"] = json!(guard.uid);
        copy.0["metadata"]["resourceVersion"] = json!(guard.resource_version);
        copy
    }

    /// Entries of `managedFields` that a POST of ours left and that no apply has taken over.
    pub fn has_unclaimed_fields(&self) -> bool {
        self.managed_entries()
            .any(|entry| is_ours(entry) && entry["operation"] == "Update")
    }

    fn managed_entries(&self) -> impl Iterator<Item = &Value> {
        self.at("/metadata/managedFields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    /// `managedFields` in which our `Update` entry is an `Apply` entry.
    pub fn claimed_fields(&self) -> Value {
        self.managed_entries()
            .map(|entry| {
                let mut entry = entry.clone();
                if is_ours(&entry) && entry["operation"] == "Update" {
                    entry["operation"] = json!("Apply");
                }
                entry
            })
            .collect()
    }

    /// Whether we own a member of a map, by `managedFields`.
    pub fn owns(&self, path: &[&str], member: &str) -> bool {
        self.managed_entries()
            .filter(|entry| is_ours(entry))
            .any(|entry| {
                let fields = path.iter().try_fold(&entry["fieldsV1"], |fields, step| {
                    fields.get(format!("f:{step}"))
                });
                fields.is_some_and(|fields| fields.get(format!("f:{member}")).is_some())
            })
    }

    /// Other managers that wrote something at, above or below a path, by `managedFields`: data, as everything
    /// from a cluster. What is about a subresource does not count.
    pub fn other_managers(&self, path: &[&str]) -> impl Iterator<Item = &str> {
        self.managed_entries()
            .filter(|entry| entry["manager"] != MANAGER)
            .filter(|entry| entry.get("subresource").is_none_or(|s| s == ""))
            .filter(|entry| touches(&entry["fieldsV1"], path))
            .filter_map(|entry| entry["manager"].as_str())
    }

    /// A map by JSON pointer.
    pub fn map(&self, pointer: &str) -> Option<&Map<String, Value>> {
        self.at(pointer).and_then(Value::as_object)
    }
}

/// Whether fields that are managed hold a path, something below it, or a whole that it is part of.
fn touches(fields: &Value, path: &[&str]) -> bool {
    let mut fields = fields;
    for (depth, step) in path.iter().enumerate() {
        let Some(members) = fields.as_object() else {
            return false;
        };
        match members.get(&format!("f:{step}")) {
            Some(below) => fields = below,
            None => return depth > 0 && members.is_empty(),
        }
    }
    true
}

/// An entry of ours that is not about a subresource.
fn is_ours(entry: &Value) -> bool {
    entry["manager"] == MANAGER && entry.get("subresource").is_none_or(|s| s == "")
}
