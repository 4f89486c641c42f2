//! What meshes are made with: decisions of the operator, and the renderer of control planes.

use std::fmt;
use std::sync::Arc;

use dcm_mesh::{Images, MeshRenderer};
use dcm_types::Violation;
use dcm_types::documents::MeshMode;

/// How meshes are made in this installation.
#[derive(Clone, Default)]
pub struct Meshes {
    /// What a new logical cloud has when nothing is said of its mesh.
    pub default_mode: MeshMode,
    /// Where images of control planes come from; empty: there are none.
    pub hub: String,
    /// Their version; empty: there is none.
    pub tag: String,
    /// Makes manifests of control planes; `None`: nothing does.
    pub renderer: Option<Arc<dyn MeshRenderer>>,
}

impl fmt::Debug for Meshes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Meshes")
            .field("default_mode", &self.default_mode)
            .field("hub", &self.hub)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

impl Meshes {
    /// Why no control plane can be made here; `None`: one can.
    pub fn refusal(&self) -> Option<Violation> {
        let hint = "set hub, tag, and istioctl or template in section [mesh] of the server's configuration, or take \
                    ca-only";
        let got = MeshMode::Istio.as_str();
        if self.renderer.is_none() {
            let rule = "needs a renderer of control planes, which this server does not have";
            return Some(Violation::new(rule, got).hint(hint));
        }
        let unpinned = Images::new(&self.hub, &self.tag).err()?;
        let rule = format!("needs pinned images, and this server's {unpinned}");
        Some(Violation::new(rule, got).hint(hint))
    }
}
