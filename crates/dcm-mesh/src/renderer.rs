//! Whoever makes manifests of values: the edge of this crate.

use serde_json::Value;

use crate::{Error, Manifest, Member, Mesh, values};

/// Makes the text of a manifest. It may take a second of a core, and blocks.
pub trait MeshRenderer: Send + Sync {
    /// Which renderer in which version: with the values it decides what comes out.
    fn version(&self) -> Result<String, Error>;

    /// YAML, one object per document, of a document of kind `IstioOperator`.
    fn render(&self, operator: &Value) -> Result<String, Error>;
}

/// The manifest for all members of a mesh, made in one run; see [`Manifest::for_member`].
pub fn render(renderer: &dyn MeshRenderer, mesh: &Mesh) -> Result<Manifest, Error> {
    let operator = values::operator(mesh, &Member::stand_in());
    Manifest::read(&renderer.render(&operator)?, &mesh.name)
}
