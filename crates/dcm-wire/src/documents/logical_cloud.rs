//! Logical clouds in the main dialect, and the choice between it and the flat one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dcm_types::documents::{
    CredentialKind, DriftPolicy, Isolation, Level, Lifecycle, LogicalCloud, Metadata, Namespace,
    PodSecurity, User,
};
use dcm_types::drafts::{LogicalCloudDraft, ReferenceDraft, UserDraft};
use dcm_types::label::check_namespace_labels;
use dcm_types::{CloudName, NamespaceName, ReferenceName, UserName, Violation};

use super::metadata::{read_metadata, read_texts};
use super::reference::read_member;
use super::{MetadataDocument, flat, read};
use crate::object::{Member, Object, aliased, join, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};
use crate::views::{Wish, wire_wish};

/// A logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogicalCloudDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// What is wanted.
    #[serde(default)]
    pub spec: LogicalCloudSpec,
    /// A permission leaves its namespace, which makes it a privileged one; absent when none does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(read_only))]
    pub privileged: bool,
    /// The last accepted wish; absent before the first action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(read_only))]
    pub status: Option<CloudLifecycle>,
}

/// What is wanted of a logical cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogicalCloudSpec {
    /// Its namespace in every member, an RFC 1123 label; derived from the name when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels on the namespace; `null` when there are none, as clients of EMCO compare it.
    #[serde(default, with = "labels_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, String>>))]
    pub labels: BTreeMap<String, String>,
    /// `"0"` (admin) or `"1"` (standard); `"1"` when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// Its first user; shown with an empty name when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserSpec>,
    /// Network preset: `open`, `baseline` (default) or `strict`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub isolation: String,
    /// Pod security level: `baseline` (default) or `restricted`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pod_security: String,
    /// What is done about changes of others; absent when they are corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<CloudPolicySpec>,
    /// Cluster references to create with it; taken on a create only, and never returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub clusters: Vec<MemberSpec>,
}

/// What is done about changes of others in the members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloudPolicySpec {
    /// `correct`, also when empty: they are changed back; `report`: they are told in the status; `off`:
    /// they are not looked at. A new generation is applied as a whole in all three cases.
    #[serde(default)]
    pub drift: String,
}

/// The first user of a logical cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserSpec {
    /// The name, for people; what a certificate carries is made by the server.
    pub user_name: String,
    /// `certificate`, also when empty, `service-account` or `signing-request`.
    #[serde(default, rename = "type")]
    pub credential: String,
}

/// A cluster to reference at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MemberSpec {
    /// Name of the reference; made of provider and cluster when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its provider.
    pub cluster_provider: String,
    /// Its name within the provider.
    pub cluster: String,
    /// IPv4 or IPv6 address of its load balancer.
    #[serde(
        default,
        rename = "loadBalancerIP",
        skip_serializing_if = "String::is_empty"
    )]
    pub load_balancer_ip: String,
}

/// The last accepted wish for a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CloudLifecycle {
    /// Generation of the wanted revision.
    pub generation: u64,
    /// Whether it shall exist in the members.
    pub wish: Wish,
    /// It is deleted as soon as every member is clean.
    pub delete_when_absent: bool,
}

impl UserSpec {
    fn of(user: &User) -> Self {
        Self {
            user_name: user.name.to_string(),
            credential: show_credential(user.credential).to_owned(),
        }
    }
}

/// Labels that are `null` when there are none.
mod labels_or_null {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Labels = BTreeMap<String, String>;

    pub(super) fn serialize<S: Serializer>(labels: &Labels, to: S) -> Result<S::Ok, S::Error> {
        let given = (!labels.is_empty()).then_some(labels);
        given.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or_default())
    }
}

impl LogicalCloudDocument {
    /// The document of a stored logical cloud, joined from its parts.
    pub fn of(
        cloud: &LogicalCloud,
        namespace: &Namespace,
        user: Option<&User>,
        lifecycle: Option<&Lifecycle>,
        privileged: bool,
    ) -> Self {
        Self {
            metadata: MetadataDocument::of(cloud.key.cloud.as_str(), &cloud.metadata),
            spec: LogicalCloudSpec {
                namespace: namespace.name.to_string(),
                labels: namespace.labels.clone(),
                level: show_level(cloud.level).to_owned(),
                user: Some(user.map(UserSpec::of).unwrap_or_default()),
                isolation: show_isolation(namespace.isolation).to_owned(),
                pod_security: show_pod_security(namespace.pod_security).to_owned(),
                policy: (!cloud.drift.is_default()).then(|| CloudPolicySpec {
                    drift: cloud.drift.as_str().to_owned(),
                }),
                clusters: Vec::new(),
            },
            privileged,
            status: lifecycle.map(|lifecycle| CloudLifecycle {
                generation: lifecycle.generation,
                wish: wire_wish(lifecycle.wish),
                delete_when_absent: lifecycle.delete_when_absent,
            }),
        }
    }
}

const DOCUMENT: &[Member] = &[
    member("metadata"),
    member("spec"),
    member("privileged"),
    member("status"),
];
const SPEC: &[Member] = &[
    member("namespace"),
    member("labels"),
    member("level"),
    member("user"),
    member("isolation"),
    member("podSecurity"),
    member("policy"),
    member("clusters"),
];
const POLICY: &[Member] = &[member("drift")];
const USER: &[Member] = &[member("userName"), member("type")];
pub(super) const MEMBER: &[Member] = &[
    member("name"),
    member("clusterProvider"),
    aliased("cluster", &["clustername"]),
    member("loadBalancerIP"),
];

/// Reads a logical cloud in either dialect: a body with neither `metadata` nor `spec` but with the
/// flat form's `name` or `user` is flat.
pub fn read_logical_cloud(
    body: &[u8],
    path_name: Option<&CloudName>,
    validation: FieldValidation,
) -> Result<Decoded<LogicalCloudDraft>, Refusal> {
    read(body, validation, |value, report| {
        if flat::is_flat(value) {
            return flat::read_cloud(value, path_name, report);
        }
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, CloudName::parse);
        let spec = body.object("spec", SPEC)?;
        let read = read_spec(&spec);
        let user = spec.object("user", USER).and_then(|user| read_user(&user));
        let policy = spec.object("policy", POLICY);
        let drift = policy.and_then(|policy| policy.parsed("drift", parse_drift));
        let clusters = read_members(&spec, "clusters");
        let (name, metadata) = named?;
        Some(LogicalCloudDraft {
            name,
            metadata,
            level: read.level,
            namespace: read.namespace,
            labels: read.labels,
            isolation: read.isolation,
            pod_security: read.pod_security,
            drift: drift.unwrap_or_default(),
            mesh: None,
            user,
            flat: false,
            clusters,
            permissions: Vec::new(),
            quotas: Vec::new(),
        })
    })
}

/// The members that both dialects have in common.
pub(super) struct SpecDraft {
    pub(super) level: Level,
    pub(super) namespace: Option<NamespaceName>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) isolation: Isolation,
    pub(super) pod_security: PodSecurity,
}

/// Reads them; a missing one has its default.
pub(super) fn read_spec(spec: &Object<'_>) -> SpecDraft {
    SpecDraft {
        level: spec.parsed("level", parse_level).unwrap_or_default(),
        namespace: spec.parsed("namespace", NamespaceName::parse),
        labels: read_labels(spec).unwrap_or_default(),
        isolation: spec
            .parsed("isolation", parse_isolation)
            .unwrap_or_default(),
        pod_security: spec
            .parsed("podSecurity", parse_pod_security)
            .unwrap_or_default(),
    }
}

fn read_labels(spec: &Object<'_>) -> Option<BTreeMap<String, String>> {
    let labels = spec.map("labels", |value| {
        value.as_str().map(str::to_owned).ok_or("a string")
    })?;
    let labels: BTreeMap<String, String> = labels.into_iter().collect();
    match check_namespace_labels(&labels) {
        Ok(()) => Some(labels),
        Err(violations) => {
            let path = spec.path_of("labels");
            for (key, violation) in violations {
                spec.report().invalid(violation.at(join(&path, &key)));
            }
            None
        }
    }
}

/// Reads a user; a name that is missing or empty means that there is none.
pub(super) fn read_user(user: &Object<'_>) -> Option<UserDraft> {
    let credential = user.parsed("type", parse_credential).unwrap_or_default();
    let name = user.parsed("userName", UserName::parse)?;
    Some(UserDraft {
        name,
        metadata: Metadata::default(),
        credential,
        signing_request: None,
    })
}

/// Reads cluster references in a list. One cluster may be referenced once.
pub(super) fn read_members(spec: &Object<'_>, name: &str) -> Vec<ReferenceDraft> {
    let mut members: Vec<ReferenceDraft> = Vec::new();
    for object in spec.objects(name, MEMBER) {
        let metadata = read_texts(&object);
        let reference = object.parsed("name", ReferenceName::parse);
        let (cluster, address) = read_member(&object);
        let (Some(metadata), Some(cluster)) = (metadata, cluster) else {
            continue;
        };
        if members.iter().any(|member| member.cluster == cluster) {
            let violation = Violation::new(
                "names a cluster that is in the list already",
                cluster.path().as_str(),
            );
            spec.report()
                .invalid(violation.at(object.path_of("cluster")));
        }
        let taken = |member: &ReferenceDraft| reference.is_some() && member.name == reference;
        if members.iter().any(taken) {
            let violation = Violation::hidden("is the name of an earlier entry of the list");
            spec.report().invalid(violation.at(object.path_of("name")));
        }
        members.push(ReferenceDraft {
            name: reference,
            metadata,
            cluster,
            load_balancer_address: address,
        });
    }
    members
}

pub(super) fn show_level(level: Level) -> &'static str {
    match level {
        Level::Admin => "0",
        Level::Standard => "1",
    }
}

fn parse_level(text: &str) -> Result<Level, Violation> {
    match text {
        "0" => Ok(Level::Admin),
        "1" => Ok(Level::Standard),
        _ => Err(Violation::new("must be \"0\" or \"1\"", text)),
    }
}

pub(super) fn show_isolation(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Open => "open",
        Isolation::Baseline => "baseline",
        Isolation::Strict => "strict",
    }
}

fn parse_isolation(text: &str) -> Result<Isolation, Violation> {
    match text {
        "open" => Ok(Isolation::Open),
        "baseline" => Ok(Isolation::Baseline),
        "strict" => Ok(Isolation::Strict),
        _ => Err(Violation::new("must be open, baseline or strict", text)),
    }
}

pub(super) fn show_pod_security(level: PodSecurity) -> &'static str {
    match level {
        PodSecurity::Baseline => "baseline",
        PodSecurity::Restricted => "restricted",
    }
}

fn parse_pod_security(text: &str) -> Result<PodSecurity, Violation> {
    match text {
        "baseline" => Ok(PodSecurity::Baseline),
        "restricted" => Ok(PodSecurity::Restricted),
        _ => Err(Violation::new("must be baseline or restricted", text)),
    }
}

fn parse_drift(text: &str) -> Result<DriftPolicy, Violation> {
    match text {
        "correct" => Ok(DriftPolicy::Correct),
        "report" => Ok(DriftPolicy::Report),
        "off" => Ok(DriftPolicy::Off),
        _ => Err(Violation::new("must be correct, report or off", text)),
    }
}

pub(super) fn show_credential(credential: CredentialKind) -> &'static str {
    match credential {
        CredentialKind::Certificate => "certificate",
        CredentialKind::ServiceAccount => "service-account",
        CredentialKind::SigningRequest => "signing-request",
    }
}

pub(super) fn parse_credential(text: &str) -> Result<CredentialKind, Violation> {
    match text {
        "certificate" => Ok(CredentialKind::Certificate),
        "service-account" => Ok(CredentialKind::ServiceAccount),
        "signing-request" => Ok(CredentialKind::SigningRequest),
        _ => Err(Violation::new("must be certificate, service-account or signing-request", text).hint(
            "a certificate, the token of a service account where clusters sign no client certificates, or a certificate for a key that its holder keeps",
        )),
    }
}
