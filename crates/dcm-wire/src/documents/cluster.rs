//! Registered clusters. The administrator's kubeconfig goes in and never comes out.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use dcm_types::documents::{Cluster, ClusterHealth, GitOps};
use dcm_types::drafts::ClusterDraft;
use dcm_types::text::GitOpsText;
use dcm_types::{ClusterLabelName, ClusterName, Violation};

use super::label::{ClusterLabelDocument, LABEL};
use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, Report, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};
use crate::views::ClusterHealthView;

/// Largest kubeconfig that is taken, in bytes (T33).
pub const KUBECONFIG_LIMIT: usize = 256 * 1024;
/// How many labels one document sets.
const LABEL_LIMIT: usize = 200;

/// A registered cluster, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// What is known of it from its kubeconfig.
    pub spec: ClusterSpec,
    /// What the last check found.
    pub status: ClusterHealthView,
}

/// What is known of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// Address of its API server, from its kubeconfig; empty for a `GitOps` cluster.
    pub server: String,
    /// Texts are empty for a cluster that is reached directly.
    #[serde(default)]
    pub git_ops: GitOpsSpec,
    /// Address of the API server in the kubeconfigs of tenants, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_address: Option<String>,
    /// Authorities of that address, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_certificate_authority: Option<String>,
}

/// How a cluster is reached through a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct GitOpsSpec {
    /// `fluxcd`, `azureArcV2`, `anthos`; empty for a cluster that is reached directly.
    pub git_ops_type: String,
    /// Name of the synchronisation object with the repository.
    pub git_ops_reference_object: String,
    /// Name of the synchronisation object with intervals.
    pub git_ops_resource_object: String,
}

impl GitOpsSpec {
    fn of(git_ops: &GitOps) -> Self {
        Self {
            git_ops_type: git_ops.kind.as_str().to_owned(),
            git_ops_reference_object: git_ops.reference_object.as_str().to_owned(),
            git_ops_resource_object: git_ops.resource_object.as_str().to_owned(),
        }
    }
}

/// A cluster with its labels, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LabelledCluster {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// Its labels, in order.
    pub labels: Vec<ClusterLabelDocument>,
}

impl LabelledCluster {
    /// The document of a stored cluster and its labels.
    pub fn of(cluster: &Cluster, labels: &BTreeSet<ClusterLabelName>) -> Self {
        Self {
            metadata: MetadataDocument::of(cluster.key.cluster.as_str(), &cluster.metadata),
            labels: labels.iter().map(ClusterLabelDocument::of).collect(),
        }
    }
}

impl ClusterDocument {
    /// The document of a stored cluster, joined with its last check.
    pub fn of(cluster: &Cluster, health: Option<&ClusterHealth>) -> Self {
        let current = health.filter(|health| health.credential_epoch == cluster.credential_epoch);
        Self {
            metadata: MetadataDocument::of(cluster.key.cluster.as_str(), &cluster.metadata),
            spec: ClusterSpec {
                server: cluster.server.clone(),
                git_ops: GitOpsSpec::of(&cluster.git_ops),
                public_address: cluster.public.address.clone(),
                public_certificate_authority: cluster.public.certificate_authority.clone(),
            },
            status: current.map_or_else(ClusterHealthView::unchecked, ClusterHealthView::of),
        }
    }
}

/// A cluster to register or to change.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateCluster {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// The credential, and how the cluster is reached.
    pub spec: CreateClusterSpec,
    /// All labels of the cluster; a PUT without it keeps them. Shown by the list with
    /// `withLabels=true`, and under `labels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<ClusterLabelDocument>>,
}

/// The credential of a cluster to register. Its `Debug` shows nothing of it.
#[derive(Clone, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreateClusterSpec {
    /// The administrator's kubeconfig as text, at most 256 KiB; never returned. A PUT without it
    /// keeps the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub kubeconfig: Option<String>,
    /// How it is reached through a repository; then there is no kubeconfig. A PUT without it keeps
    /// what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_ops: Option<GitOpsSpec>,
    /// Address of the API server for tenants, `https://host[:port]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_address: Option<String>,
    /// Authorities of that address, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_certificate_authority: Option<String>,
}

impl fmt::Debug for CreateClusterSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CreateClusterSpec { .. }")
    }
}

/// The parts of a form that registers a cluster, as clients of the later system send it.
#[derive(Clone, Default)]
pub struct ClusterUpload {
    /// The part `metadata`: the document as JSON.
    pub metadata: Vec<u8>,
    /// The part `file`: the kubeconfig.
    pub file: Option<SecretString>,
}

impl fmt::Debug for ClusterUpload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClusterUpload { .. }")
    }
}

// `status` and `spec.server` are known so that what was read can be written back.
const DOCUMENT: &[Member] = &[
    member("metadata"),
    member("spec"),
    member("status"),
    member("labels"),
];
const SPEC: &[Member] = &[
    member("kubeconfig"),
    member("server"),
    member("gitOps"),
    member("publicAddress"),
    member("publicCertificateAuthority"),
];
const GIT_OPS: &[Member] = &[
    member("gitOpsType"),
    member("gitOpsReferenceObject"),
    member("gitOpsResourceObject"),
];

/// Reads a cluster. The kubeconfig may be missing only where the path names an existing cluster;
/// whether there is one is decided where it is known.
pub fn read_cluster(
    body: &[u8],
    path_name: Option<&ClusterName>,
    validation: FieldValidation,
) -> Result<Decoded<ClusterDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        build(&body, path_name, |spec| {
            let given = path_name.is_none() || spec.has("kubeconfig");
            let kubeconfig = given.then(|| spec.required("kubeconfig", parse_kubeconfig));
            kubeconfig.flatten()
        })
    })
}

/// Reads a cluster out of the parts of a form.
pub fn read_cluster_upload(
    upload: &ClusterUpload,
    path_name: Option<&ClusterName>,
    validation: FieldValidation,
) -> Result<Decoded<ClusterDraft>, Refusal> {
    read(&upload.metadata, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        build(&body, path_name, |spec| {
            if spec.has("kubeconfig") {
                let violation = Violation::hidden("must be given as the part 'file' of the form");
                report.invalid(violation.at(spec.path_of("kubeconfig")));
            }
            uploaded(upload, path_name, report)
        })
    })
}

fn uploaded(
    upload: &ClusterUpload,
    path_name: Option<&ClusterName>,
    report: &Report,
) -> Option<SecretString> {
    match &upload.file {
        Some(text) => report.keep("file", parse_kubeconfig(text.expose_secret())),
        None if path_name.is_some() => None,
        None => {
            report.mistyped("file", "a part of the form, with the kubeconfig");
            None
        }
    }
}

fn build(
    body: &Object<'_>,
    path_name: Option<&ClusterName>,
    read_kubeconfig: impl FnOnce(&Object<'_>) -> Option<SecretString>,
) -> Option<ClusterDraft> {
    let named = read_metadata(body, path_name, ClusterName::parse);
    let labels = read_labels(body);
    let spec = body.object("spec", SPEC)?;
    let git_ops = read_git_ops(&spec);
    let kubeconfig = match &git_ops {
        // There is no credential that could be read.
        Some(git_ops) if git_ops.is_used() => None,
        _ => read_kubeconfig(&spec),
    };
    let given = |name| spec.text(name).filter(|text| !text.is_empty());
    let public_address = given("publicAddress").map(str::to_owned);
    let public_certificate_authority = given("publicCertificateAuthority").map(str::to_owned);
    let (name, metadata) = named?;
    Some(ClusterDraft {
        name,
        metadata,
        kubeconfig,
        git_ops,
        public_address,
        public_certificate_authority,
        labels,
    })
}

fn read_git_ops(spec: &Object<'_>) -> Option<GitOps> {
    if !spec.has("gitOps") {
        return None;
    }
    let object = spec.object("gitOps", GIT_OPS)?;
    let text = |name| object.parsed(name, GitOpsText::parse).unwrap_or_default();
    Some(GitOps {
        kind: text("gitOpsType"),
        reference_object: text("gitOpsReferenceObject"),
        resource_object: text("gitOpsResourceObject"),
    })
}

fn read_labels(body: &Object<'_>) -> Option<BTreeSet<ClusterLabelName>> {
    if !body.has("labels") {
        return None;
    }
    let path = body.path_of("labels");
    let written = body.objects("labels", LABEL);
    if written.len() > LABEL_LIMIT {
        let rule = format!("must be at most {LABEL_LIMIT} labels");
        let violation = Violation::new(rule, &written.len().to_string());
        body.report().invalid(violation.at(path));
        return None;
    }
    let labels = written
        .iter()
        .filter_map(|label| label.required("clusterLabel", ClusterLabelName::parse));
    Some(labels.collect())
}

fn parse_kubeconfig(text: &str) -> Result<SecretString, Violation> {
    if text.trim().is_empty() {
        return Err(Violation::hidden("must not be empty"));
    }
    if text.len() > KUBECONFIG_LIMIT {
        return Err(Violation::hidden("must be at most 256 KiB"));
    }
    Ok(SecretString::from(text))
}
