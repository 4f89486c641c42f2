//! Cluster references: the membership of a cluster in a logical cloud.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use dcm_types::documents::ClusterReference;
use dcm_types::drafts::ReferenceDraft;
use dcm_types::{ClusterKey, ClusterName, ProviderName, ReferenceName, Timestamp, Violation};

use super::metadata::{read_name, read_texts};
use super::{MetadataDocument, read};
use crate::object::{Member, Object, aliased, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A cluster reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReferenceDocument {
    /// Name and free text. Without a name it becomes `<provider>-<cluster>`, made unique.
    #[serde(default)]
    pub metadata: MetadataDocument,
    /// The cluster.
    pub spec: ReferenceSpec,
    /// What the synchronizer made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(read_only))]
    pub status: Option<ReferenceStatus>,
}

/// The cluster of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReferenceSpec {
    /// Its provider.
    pub cluster_provider: String,
    /// Its name within the provider.
    pub cluster: String,
    /// IPv4 or IPv6 address of its load balancer; empty when there is none.
    #[serde(default, rename = "loadBalancerIP")]
    pub load_balancer_ip: String,
    /// Always empty: certificates are in kubeconfigs. Clients of EMCO send it, and compare it.
    #[serde(default)]
    pub certificate: String,
}

/// What the synchronizer made for a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReferenceStatus {
    /// Until when the certificate in the member's kubeconfig is valid.
    pub kubeconfig_until: Timestamp,
}

impl ReferenceDocument {
    /// The document of a stored reference.
    pub fn of(reference: &ClusterReference, kubeconfig_until: Option<Timestamp>) -> Self {
        Self {
            metadata: MetadataDocument::of(reference.name.as_str(), &reference.metadata),
            spec: ReferenceSpec {
                cluster_provider: reference.cluster.provider.to_string(),
                cluster: reference.cluster.cluster.to_string(),
                load_balancer_ip: show_address(reference.load_balancer_address),
                certificate: String::new(),
            },
            status: kubeconfig_until.map(|kubeconfig_until| ReferenceStatus { kubeconfig_until }),
        }
    }
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec"), member("status")];
// `certificate` is what EMCO returns and takes; it is known, and nothing is made of it.
const SPEC: &[Member] = &[
    member("clusterProvider"),
    aliased("cluster", &["clustername"]),
    member("loadBalancerIP"),
    member("certificate"),
];
const METADATA: &[Member] = &[
    member("name"),
    member("description"),
    member("userData1"),
    member("userData2"),
];

/// Reads a cluster reference.
pub fn read_reference(
    body: &[u8],
    path_name: Option<&ReferenceName>,
    validation: FieldValidation,
) -> Result<Decoded<ReferenceDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let metadata = body.object("metadata", METADATA)?;
        let named = path_name.is_some() || metadata.has("name");
        let name = named.then(|| read_name(&metadata, path_name, ReferenceName::parse));
        let texts = read_texts(&metadata);
        let (cluster, address) = read_member(&body.object("spec", SPEC)?);
        Some(ReferenceDraft {
            name: name.flatten(),
            metadata: texts?,
            cluster: cluster?,
            load_balancer_address: address,
        })
    })
}

/// Reads the members that name a cluster and its load balancer, wherever they stand.
pub(super) fn read_member(spec: &Object<'_>) -> (Option<ClusterKey>, Option<IpAddr>) {
    let provider = spec.required("clusterProvider", ProviderName::parse);
    let cluster = spec.required("cluster", ClusterName::parse);
    let key = provider
        .zip(cluster)
        .map(|(provider, cluster)| ClusterKey { provider, cluster });
    (key, read_address(spec, "loadBalancerIP"))
}

/// Reads an address; an empty one means that there is none.
pub(super) fn read_address(object: &Object<'_>, name: &str) -> Option<IpAddr> {
    object.parsed(name, |text| {
        text.parse()
            .map_err(|_| Violation::new("must be an IPv4 or IPv6 address", text))
    })
}

/// An address as both dialects show it: empty when there is none.
pub(super) fn show_address(address: Option<IpAddr>) -> String {
    address
        .map(|address| address.to_string())
        .unwrap_or_default()
}
