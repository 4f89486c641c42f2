//! Service meshes: what is wished of the mesh of a logical cloud, and the service mesh documents of its members.
//!
//! ```text
//!   wish      from a draft to the cloud, and into a revision       meshes   how they are made here
//!   prepare   bundles, manifest and documents of one cloud         plan     what documents shall say (pure)
//!   render    one manifest per mesh, away from the runtime         step     the loop, keyed by cloud
//! ```
//!
//! A request writes down a wish and nothing more. What it needs is prepared afterwards, and the synchronizer waits for
//! that on one track. Never a key is in a document: whoever sends it to a member asks the CA controller.

mod meshes;
mod plan;
mod prepare;
mod render;
mod step;
pub(crate) mod wish;

pub use meshes::Meshes;
pub use prepare::{Prepared, Thorough};
pub(crate) use render::Renderings;
pub use step::run_service_meshes;

use dcm_mesh::Member;
use dcm_store::{Scope, StoreExt as _};
use dcm_types::documents::{LogicalCloud, MeshManifest, ServiceMesh};
use dcm_types::{CloudKey, Key, TargetKey};

use crate::{App, Error, Principal};

/// The mesh of a logical cloud, with what its members shall hold of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMeshDetail {
    /// The cloud, which says what is wished.
    pub cloud: LogicalCloud,
    /// By cluster.
    pub members: Vec<ServiceMesh>,
}

impl App {
    /// The mesh of a logical cloud.
    pub async fn service_mesh(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
    ) -> Result<ServiceMeshDetail, Error> {
        let found = self.require_cloud(cloud).await?;
        let below = Scope::Under(cloud.path());
        let members = self.store().read_all::<ServiceMesh>(below).await?;
        Ok(ServiceMeshDetail {
            cloud: found.document,
            members: members.into_iter().map(|found| found.document).collect(),
        })
    }

    /// What was rendered for the control plane of a member: YAML, one object per document.
    pub async fn mesh_manifest(
        &self,
        _who: &Principal,
        target: &TargetKey,
    ) -> Result<String, Error> {
        self.require_cloud(&target.cloud).await?;
        let found = self.find::<ServiceMesh>(&Key::service_mesh(target)).await?;
        let missing = || {
            let key = Key::service_mesh(target);
            let described = format!("a manifest for cluster '{}'", target.cluster);
            Error::missing(&key, &described).hint(
                "only clusters of a mesh of mode istio have one, from a moment after the instantiate on",
            )
        };
        let mesh = found.ok_or_else(missing)?.document;
        let key = mesh.manifest_key().ok_or_else(missing)?;
        let manifest = self.find::<MeshManifest>(&key).await?;
        let manifest = manifest.ok_or_else(missing)?.document;
        let member = Member::new(&mesh.cluster_name, &mesh.network);
        let member = member.map_err(Error::internal)?;
        Ok(member.fill(&manifest.text))
    }
}
