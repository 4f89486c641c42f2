//! The flat bodies of the original design: dashed member names, no `metadata`, no `spec`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use dcm_types::documents::{
    ClusterReference, DriftPolicy, LogicalCloud, Metadata, Namespace, User,
};
use dcm_types::drafts::{LogicalCloudDraft, PermissionDraft, QuotaDraft};
use dcm_types::permission::Extent;
use dcm_types::{CloudName, ClusterName, Description, PermissionName, QuotaName, Violation};

use super::logical_cloud::{read_members, read_spec, read_user, show_credential};
use super::metadata::read_name;
use super::permission::read_rule;
use super::quota::read_limits;
use super::read;
use super::reference::{read_address, show_address};
use crate::object::{Member, Object, Report, aliased, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A logical cloud in the flat form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub struct FlatLogicalCloud {
    /// Its name.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Its namespace in every member; derived from the name when left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels on the namespace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<FlatUser>,
    /// Limits, by quota key; they become the quota named `quota`. Never returned.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub quota: BTreeMap<String, String>,
    /// Clusters to reference with it. Never returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub cluster_references: Vec<FlatReference>,
}

/// The user of a logical cloud in the flat form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub struct FlatUser {
    /// The name.
    pub user_name: String,
    /// `certificate`, also when left out.
    #[serde(default, rename = "type")]
    pub credential: String,
    /// What the user may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_permissions: Vec<FlatPermission>,
}

/// A permission in the flat form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlatPermission {
    /// Its name.
    #[serde(rename = "permission-name")]
    pub name: String,
    /// Where it holds, as in the main dialect; left out: the namespace of the logical cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// API groups; the core group is the empty text.
    #[serde(rename = "apiGroups")]
    pub api_groups: Vec<String>,
    /// Resources.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
}

/// A cluster reference in the flat form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub struct FlatReference {
    /// Name of the provider, where it does not stand in the path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster_provider: String,
    /// Name of the cluster.
    #[serde(default)]
    pub cluster_name: String,
    /// Address of its load balancer; empty when there is none.
    #[serde(default)]
    pub loadbalancer_ip: String,
}

/// The list of the cluster references of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub struct FlatReferenceList {
    /// The references.
    pub cluster_references: Vec<FlatReference>,
}

impl FlatReference {
    /// The flat form of a stored reference; the provider stands in the path.
    pub fn of(reference: &ClusterReference) -> Self {
        Self {
            cluster_provider: String::new(),
            cluster_name: reference.cluster.cluster.to_string(),
            loadbalancer_ip: show_address(reference.load_balancer_address),
        }
    }
}

impl FlatLogicalCloud {
    /// The flat form of a logical cloud, with the permissions that were written with it.
    pub fn of(
        cloud: &LogicalCloud,
        namespace: &Namespace,
        user: Option<&User>,
        permissions: &[PermissionDraft],
    ) -> Self {
        Self {
            name: cloud.key.cloud.to_string(),
            description: cloud.metadata.description.as_str().to_owned(),
            namespace: namespace.name.to_string(),
            labels: namespace.labels.clone(),
            user: user.map(|user| FlatUser {
                user_name: user.name.to_string(),
                credential: show_credential(user.credential).to_owned(),
                user_permissions: permissions.iter().map(flat_permission).collect(),
            }),
            quota: BTreeMap::new(),
            cluster_references: Vec::new(),
        }
    }
}

fn flat_permission(permission: &PermissionDraft) -> FlatPermission {
    FlatPermission {
        name: permission.name.to_string(),
        namespace: permission.namespace.clone(),
        api_groups: permission.rule.api_groups.clone(),
        resources: permission.rule.resources.clone(),
        verbs: permission.rule.verbs.clone(),
    }
}

const CLOUD: &[Member] = &[
    member("name"),
    member("description"),
    member("namespace"),
    member("labels"),
    member("level"),
    member("isolation"),
    member("pod-security"),
    member("user"),
    member("user-permissions"),
    aliased("quota", &["clusterquota"]),
    member("cluster-references"),
];
const USER: &[Member] = &[
    member("userName"),
    member("type"),
    member("user-permissions"),
];
const PERMISSION: &[Member] = &[
    aliased("name", &["permissionname"]),
    member("namespace"),
    member("apiGroups"),
    member("resources"),
    member("verbs"),
];
/// Name of the quota that the flat form's `quota` becomes.
const QUOTA: &str = "quota";

/// Whether a body is in the flat form.
pub(super) fn is_flat(value: &Value) -> bool {
    let Some(members) = value.as_object() else {
        return false;
    };
    let has = |name: &str| members.keys().any(|key| key.eq_ignore_ascii_case(name));
    !has("metadata") && !has("spec") && (has("name") || has("user"))
}

/// Reads a logical cloud in the flat form.
pub(super) fn read_cloud(
    value: &Value,
    path_name: Option<&CloudName>,
    report: &Report,
) -> Option<LogicalCloudDraft> {
    let body = Object::body(value, CLOUD, report)?;
    let name = read_name(&body, path_name, CloudName::parse);
    let description = body.text("description").unwrap_or_default();
    let description = report.keep("description", Description::parse(description));
    let spec = read_spec(&body);
    let user = body.object("user", USER)?;
    let mut permissions = read_permissions(&user);
    permissions.extend(read_permissions(&body));
    refuse_repeated(&permissions, report);
    let quotas = read_quotas(&body);
    let clusters = read_members(&body, "cluster-references");
    let user = read_user(&user);
    Some(LogicalCloudDraft {
        name: name?,
        metadata: Metadata {
            description: description?,
            ..Metadata::default()
        },
        level: spec.level,
        namespace: spec.namespace,
        labels: spec.labels,
        isolation: spec.isolation,
        pod_security: spec.pod_security,
        drift: DriftPolicy::default(),
        mesh: None,
        user,
        flat: true,
        clusters,
        permissions,
        quotas,
    })
}

fn read_permissions(object: &Object<'_>) -> Vec<PermissionDraft> {
    object
        .objects("user-permissions", PERMISSION)
        .into_iter()
        .filter_map(|item| {
            let name = item.required("name", PermissionName::parse);
            let namespace = item.text("namespace").map(str::to_owned);
            let rule = read_rule(&item, Extent::of(namespace.as_deref()));
            Some(PermissionDraft {
                name: name?,
                metadata: Metadata::default(),
                namespace,
                user: None,
                rule: rule?,
            })
        })
        .collect()
}

fn refuse_repeated(permissions: &[PermissionDraft], report: &Report) {
    for (index, permission) in permissions.iter().enumerate() {
        let earlier = permissions.iter().take(index);
        if earlier
            .into_iter()
            .any(|other| other.name == permission.name)
        {
            let violation = Violation::new(
                "has two permissions of the same name",
                permission.name.as_str(),
            );
            report.invalid(violation.at("user-permissions"));
        }
    }
}

fn read_quotas(body: &Object<'_>) -> Vec<QuotaDraft> {
    if !body.has("quota") {
        return Vec::new();
    }
    let name = QuotaName::parse(QUOTA).expect("the constant is an RFC 1123 label");
    read_limits(body, "quota")
        .map(|limits| QuotaDraft {
            name,
            metadata: Metadata::default(),
            limits,
        })
        .into_iter()
        .collect()
}

const REFERENCE: &[Member] = &[
    aliased("name", &["clustername"]),
    member("cluster-provider"),
    member("loadbalancer-ip"),
];

/// Reads the body of a PUT in the original design's paths: the address of the load balancer.
pub fn read_flat_reference(
    body: &[u8],
    cluster: &ClusterName,
    validation: FieldValidation,
) -> Result<Decoded<Option<IpAddr>>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, REFERENCE, report)?;
        let named = read_name(&body, Some(cluster), ClusterName::parse);
        let address = read_address(&body, "loadbalancer-ip");
        named.map(|_| address)
    })
}
