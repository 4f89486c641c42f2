//! Manifests of control planes: one per mesh, made away from the runtime, and not made again for the same values.

use std::sync::Arc;

use dcm_mesh::{Images, Manifest, Member, Mesh, MeshRenderer, values};
use dcm_types::Uid;
use dcm_types::documents::{ManifestDigest, MeshManifest, MeshProblem, RevisionMesh};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

use super::Meshes;

/// Renderings at the same time; each takes a core for half a second.
const AT_ONCE: usize = 2;

/// What is remembered of a renderer, and how much of it is asked at once.
#[derive(Debug)]
pub(crate) struct Renderings {
    version: OnceCell<String>,
    permits: Semaphore,
}

impl Default for Renderings {
    fn default() -> Self {
        Self {
            version: OnceCell::new(),
            permits: Semaphore::new(AT_ONCE),
        }
    }
}

/// What is rendered, for whom.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) cloud_uid: Uid,
    pub(super) mesh: RevisionMesh,
    pub(super) trust_domain: String,
}

/// A manifest that the documents do, or shall, name.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) digest: ManifestDigest,
    pub(super) from: ManifestDigest,
    /// `None`: it is stored already.
    pub(super) new: Option<MeshManifest>,
}

impl Renderings {
    /// The manifest of an order. `known` gives the digest of one that was made from the same before.
    pub(super) async fn render(
        &self,
        meshes: &Meshes,
        order: &Order,
        known: impl Fn(&ManifestDigest) -> Option<ManifestDigest>,
    ) -> Result<Rendered, MeshProblem> {
        let renderer = meshes.renderer.clone().ok_or_else(no_renderer)?;
        let version = self.version_of(&renderer).await?;
        let mesh = mesh_of(order)?;
        let operator = values::operator(&mesh, &Member::stand_in());
        let from = ManifestDigest::of(&format!("{version}\n{operator}"));
        if let Some(digest) = known(&from) {
            let new = None;
            return Ok(Rendered { digest, from, new });
        }
        let text = self
            .apart(move || {
                let text = renderer.render(&operator)?;
                // What cannot be used is told now, and never stored.
                Manifest::read(&text, &mesh.name)?;
                Ok(text)
            })
            .await?;
        let digest = ManifestDigest::of(&text);
        let manifest = MeshManifest {
            cloud_uid: order.cloud_uid,
            digest: digest.clone(),
            renderer_version: version,
            text,
        };
        Ok(Rendered {
            digest,
            from,
            new: Some(manifest),
        })
    }

    /// Asked once in the life of the process: another program under the same path needs another process.
    async fn version_of(&self, renderer: &Arc<dyn MeshRenderer>) -> Result<String, MeshProblem> {
        let ask = || {
            let renderer = Arc::clone(renderer);
            self.apart(move || renderer.version())
        };
        self.version.get_or_try_init(ask).await.cloned()
    }

    /// Runs what blocks.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, dcm_mesh::Error> + Send + 'static,
    ) -> Result<T, MeshProblem> {
        let _permit = self.permits.acquire().await;
        match spawn_blocking(work).await {
            Ok(outcome) => outcome.map_err(|error| render_failed(&error)),
            Err(_) => Err(MeshProblem {
                reason: "RenderFailed".to_owned(),
                message: "the renderer ended without an answer".to_owned(),
                hint: "see the log of the server".to_owned(),
            }),
        }
    }
}

fn mesh_of(order: &Order) -> Result<Mesh, MeshProblem> {
    let images = Images::new(&order.mesh.hub, &order.mesh.tag);
    Ok(Mesh {
        name: order.mesh.name.clone(),
        id: order.mesh.name.to_string(),
        trust_domain: order.trust_domain.clone(),
        images: images.map_err(|error| render_failed(&error))?,
    })
}

fn render_failed(error: &dcm_mesh::Error) -> MeshProblem {
    let reason = match error {
        dcm_mesh::Error::ImagesNotPinned { .. } => "ImagesNotPinned",
        dcm_mesh::Error::Unreadable(_) | dcm_mesh::Error::Foreign { .. } => "ManifestRefused",
        dcm_mesh::Error::Invalid { .. } | dcm_mesh::Error::Render(_) => "RenderFailed",
    };
    MeshProblem {
        reason: reason.to_owned(),
        message: dcm_types::chain(error),
        hint: error.hint().to_owned(),
    }
}

fn no_renderer() -> MeshProblem {
    MeshProblem {
        reason: "NoRenderer".to_owned(),
        message: "this server has no renderer of control planes".to_owned(),
        hint: "set istioctl or template in section [mesh] of its configuration".to_owned(),
    }
}
