//! The mesh of a logical cloud: what its members shall hold of it. No key is among it.

use serde::{Deserialize, Serialize};

use dcm_types::Timestamp;
use dcm_types::documents::{LogicalCloud, MeshMode, MeshPeer, ServiceMesh};

/// The mesh of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceMeshView {
    /// What is wished now: `off`, `ca-only` or `istio`. It counts from the next action on.
    pub mode: String,
    /// Its namespace and revision in every member; absent: it never had a mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Under which its workloads are known; absent before the first bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// What each member shall hold, by cluster; a member that left stays until it is clean.
    pub members: Vec<MeshMemberView>,
}

/// What one member shall hold of a mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeshMemberView {
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// Generation of the revision that it was prepared for.
    pub generation: u64,
    /// What there is of the mesh.
    pub mode: String,
    /// Namespace of the mesh in the member.
    pub namespace: String,
    /// The member's name in the mesh.
    pub cluster_name: String,
    /// The member's network in the mesh.
    pub network: String,
    /// Its bundle; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<MeshBundleView>,
    /// SHA-256 of the manifest of its control plane, hex; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<String>,
    /// The other members that its control plane knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<MeshPeerView>,
    /// Why it is not as it should be; absent when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<MeshProblemView>,
    /// When anything of it last changed.
    pub prepared_at: Timestamp,
}

/// The bundle of a member, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeshBundleView {
    /// Counts the intermediates of the member.
    pub generation: u64,
    /// Number of its set of anchors.
    pub trust: u64,
    /// Number of its lists of revoked certificates.
    pub lists: u64,
    /// The member's intermediate and those above it, PEM.
    pub chain: String,
    /// What workloads trust, PEM.
    pub anchors: String,
    /// End of the intermediate; it is renewed before.
    pub not_after: Timestamp,
}

/// Another member of a mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeshPeerView {
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// Its network in the mesh.
    pub network: String,
    /// Where its gateway is reached; absent: not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Why a member could not be prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeshProblemView {
    /// One word in `CamelCase`.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl ServiceMeshView {
    /// The mesh of a cloud with the documents of its members.
    pub fn of(cloud: &LogicalCloud, members: &[ServiceMesh]) -> Self {
        let mesh = cloud.mesh.as_ref();
        let mode = mesh.map_or(MeshMode::Off, |mesh| mesh.mode);
        let mut domains = members.iter().map(|member| &member.trust_domain);
        Self {
            mode: mode.as_str().to_owned(),
            name: mesh.map(|mesh| mesh.name.to_string()),
            trust_domain: domains.find_map(Clone::clone),
            members: members.iter().map(MeshMemberView::of).collect(),
        }
    }
}

impl MeshMemberView {
    fn of(member: &ServiceMesh) -> Self {
        let cluster = &member.key.cluster;
        let manifest = member.manifest.as_ref();
        Self {
            cluster_provider: cluster.provider.to_string(),
            cluster: cluster.cluster.to_string(),
            generation: member.generation,
            mode: member.mode.as_str().to_owned(),
            namespace: member.name.to_string(),
            cluster_name: member.cluster_name.clone(),
            network: member.network.clone(),
            bundle: member.bundle.as_ref().map(|bundle| MeshBundleView {
                generation: bundle.version.generation,
                trust: bundle.version.trust,
                lists: bundle.version.lists,
                chain: bundle.chain_pem.clone(),
                anchors: bundle.anchors_pem.clone(),
                not_after: bundle.not_after,
            }),
            manifest_digest: manifest.map(|digest| digest.as_str().to_owned()),
            peers: member.peers.iter().map(MeshPeerView::of).collect(),
            problem: member.problem.as_ref().map(|problem| MeshProblemView {
                reason: problem.reason.clone(),
                message: problem.message.clone(),
                hint: problem.hint.clone(),
            }),
            prepared_at: member.prepared_at,
        }
    }
}

impl MeshPeerView {
    fn of(peer: &MeshPeer) -> Self {
        Self {
            cluster_provider: peer.cluster.provider.to_string(),
            cluster: peer.cluster.cluster.to_string(),
            network: peer.network.clone(),
            address: peer.address.clone(),
        }
    }
}
