//! What the service mesh documents of a cloud shall say, and which of them may go. Pure.

use std::collections::BTreeMap;

use dcm_store::Versioned;
use dcm_types::documents::{
    ClusterReference, Level, Lifecycle, LogicalCloud, Member, MeshBundle, MeshMode, MeshPeer,
    MeshProblem, Observed, Revision, RevisionMesh, ServiceMesh, Target, Wish,
};
use dcm_types::{ClusterKey, MeshName, TargetKey, Timestamp, member_name};

use super::render::Rendered;

/// Everything that is decided on.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) cloud: Versioned<LogicalCloud>,
    pub(super) lifecycle: Versioned<Lifecycle>,
    pub(super) revision: Revision,
    pub(super) documents: BTreeMap<ClusterKey, Versioned<ServiceMesh>>,
    pub(super) references: Vec<ClusterReference>,
    pub(super) targets: BTreeMap<ClusterKey, Versioned<Target>>,
}

/// What was got for the wish of a scene.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Of the members whose bundle was asked for.
    pub(super) bundles: BTreeMap<ClusterKey, Result<MeshBundle, MeshProblem>>,
    /// The manifest, where control planes are wished.
    pub(super) manifest: Option<Result<Rendered, MeshProblem>>,
    pub(super) trust_domain: Option<String>,
}

impl Scene {
    /// The mesh that shall exist, with its members.
    pub(super) fn wish(&self) -> Option<(&RevisionMesh, &[Member])> {
        let revision = &self.revision;
        let mesh = revision.slice.mesh.as_ref()?;
        let exists = revision.wish == Wish::Present && revision.level == Level::Standard;
        (exists && mesh.mode != MeshMode::Off).then_some((mesh, revision.members.as_slice()))
    }

    pub(super) fn target_key(&self, cluster: &ClusterKey) -> TargetKey {
        TargetKey {
            cloud: self.cloud.document.key.clone(),
            cluster: cluster.clone(),
        }
    }

    fn document(&self, cluster: &ClusterKey) -> Option<&ServiceMesh> {
        Some(&self.documents.get(cluster)?.document)
    }

    /// Members whose bundle has to be asked for, because there is none, it is old, or something was wrong.
    pub(super) fn due(&self, now: Timestamp) -> Vec<&ClusterKey> {
        let members = self.wish().map_or(&[][..], |(_, members)| members);
        let due = |cluster: &&ClusterKey| {
            let Some(document) = self.document(cluster) else {
                return true;
            };
            let bundle = document.bundle.as_ref();
            document.problem.is_some() || bundle.is_none_or(|bundle| bundle.ask_again_at <= now)
        };
        let clusters = members.iter().map(|member| &member.cluster);
        clusters.filter(due).collect()
    }

    /// The documents that shall be there, by cluster.
    pub(super) fn wanted(&self, made: &Made, now: Timestamp) -> Vec<ServiceMesh> {
        let Some((mesh, members)) = self.wish() else {
            return Vec::new();
        };
        let all: Vec<MeshPeer> = match mesh.mode {
            MeshMode::Istio => members.iter().map(|member| self.peer(member)).collect(),
            // Nobody here says to whom a control plane of somebody else talks.
            MeshMode::Off | MeshMode::CaOnly => Vec::new(),
        };
        let wanted = members.iter();
        wanted
            .map(|member| self.wanted_of(&member.cluster, mesh, &all, made, now))
            .collect()
    }

    fn wanted_of(
        &self,
        cluster: &ClusterKey,
        mesh: &RevisionMesh,
        all: &[MeshPeer],
        made: &Made,
        now: Timestamp,
    ) -> ServiceMesh {
        let present = self.document(cluster);
        let asked = made.bundles.get(cluster);
        let problem = asked.and_then(|bundle| bundle.as_ref().err());
        let bundle = match asked {
            Some(Ok(bundle)) => Some(bundle.clone()),
            _ => present.and_then(|document| document.bundle.clone()),
        };
        let rendered = made.manifest.as_ref().map(Result::as_ref);
        let unrendered = rendered.as_ref().and_then(|rendered| rendered.err());
        let (manifest, rendered_from) = match rendered {
            None => (None, None),
            Some(Ok(rendered)) => (Some(rendered.digest.clone()), Some(rendered.from.clone())),
            // What was rendered before goes on.
            Some(Err(_)) => present.map_or((None, None), |document| {
                (document.manifest.clone(), document.rendered_from.clone())
            }),
        };
        let others = all.iter().filter(|peer| peer.cluster != *cluster);
        let wanted = ServiceMesh {
            key: self.target_key(cluster),
            cloud_uid: self.cloud.document.uid,
            generation: self.revision.generation,
            mode: mesh.mode,
            name: mesh.name.clone(),
            cluster_name: self.cluster_name(cluster),
            network: self.network(cluster),
            trust_domain: made.trust_domain.clone(),
            bundle,
            manifest,
            rendered_from,
            peers: others.cloned().collect(),
            problem: problem.or(unrendered).cloned(),
            prepared_at: present.map_or(now, |document| document.prepared_at),
        };
        if present == Some(&wanted) {
            return wanted;
        }
        ServiceMesh {
            prepared_at: now,
            ..wanted
        }
    }

    fn peer(&self, member: &Member) -> MeshPeer {
        let cluster = &member.cluster;
        MeshPeer {
            cluster: cluster.clone(),
            cluster_name: self.cluster_name(cluster),
            network: self.network(cluster),
            address: self.address(member),
        }
    }

    /// What a user wrote counts more than what the member says of itself. It is read as it is now, not as it was
    /// frozen: an address is no wish, and it reaches the others at once.
    fn address(&self, member: &Member) -> Option<String> {
        let mut references = self.references.iter();
        let reference = references.find(|reference| reference.cluster == member.cluster);
        let written = match reference {
            Some(reference) => reference.load_balancer_address,
            None => member.load_balancer_address,
        };
        let known = written.filter(|address| !address.is_unspecified());
        known.map(|address| address.to_string()).or_else(|| {
            let target = self.targets.get(&member.cluster)?;
            target.document.gateway_address.clone()
        })
    }

    /// Made once, stored, and never made anew.
    fn cluster_name(&self, cluster: &ClusterKey) -> String {
        self.document(cluster).map_or_else(
            || member_name::mesh_cluster(cluster),
            |document| document.cluster_name.clone(),
        )
    }

    fn network(&self, cluster: &ClusterKey) -> String {
        self.document(cluster).map_or_else(
            || member_name::mesh_network(cluster),
            |document| document.network.clone(),
        )
    }

    /// Documents of members that left, and in which nothing of the mesh is left.
    pub(super) fn departed(&self) -> Vec<&Versioned<ServiceMesh>> {
        let members = self.wish().map_or(&[][..], |(_, members)| members);
        let stays = |cluster: &ClusterKey| members.iter().any(|one| one.cluster == *cluster);
        let documents = self.documents.iter();
        documents
            .filter(|(cluster, found)| !stays(cluster) && self.is_clean(cluster, &found.document))
            .map(|(_, found)| found)
            .collect()
    }

    fn is_clean(&self, cluster: &ClusterKey, document: &ServiceMesh) -> bool {
        let Some(target) = self.targets.get(cluster).map(|found| &found.document) else {
            return true;
        };
        let generation = self.revision.generation;
        let applied =
            target.wanted_generation == generation && target.applied_generation == Some(generation);
        target.observed == Observed::Absent || (applied && !holds(target, &document.name))
    }
}

/// Whether something of the mesh may be in the member.
fn holds(target: &Target, mesh: &MeshName) -> bool {
    let name = mesh.as_str();
    target.inventory.iter().any(|object| {
        let inside = object.namespace.as_deref() == Some(name);
        inside || (object.namespace.is_none() && object.name.contains(name))
    })
}
