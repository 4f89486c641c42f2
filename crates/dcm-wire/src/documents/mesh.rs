//! The mesh of a logical cloud, as it is written and shown in `spec.mesh`.

use serde::{Deserialize, Serialize};

use dcm_types::Violation;
use dcm_types::ca::TrustModel;
use dcm_types::documents::{MeshMode, MeshSpec};
use dcm_types::drafts::MeshDraft;

use crate::object::{Member, Object, member};

/// The mesh of a logical cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CloudMeshSpec {
    /// `off`, `ca-only` (a namespace with the bundle of authorities `cacerts` in every member) or `istio` (a control
    /// plane in every member). When empty, a new logical cloud gets what the server gives all, and another one keeps
    /// what it has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Control planes read the other members with credentials of those: not offered, so `true` is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote_secrets: bool,
    /// What stands above its anchor: `cloud-root` (nothing) or `cloud-intermediate` (the organisation's root); when
    /// empty, as the server decides. It never changes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trust_model: String,
    /// Its namespace and revision in every member; it never changes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(read_only))]
    pub name: String,
}

impl CloudMeshSpec {
    pub(super) fn of(mesh: &MeshSpec) -> Self {
        let model = mesh.trust_model.map(TrustModel::as_str);
        Self {
            mode: mesh.mode.as_str().to_owned(),
            remote_secrets: mesh.remote_secrets,
            trust_model: model.unwrap_or_default().to_owned(),
            name: mesh.name.to_string(),
        }
    }
}

const MESH: &[Member] = &[
    member("mode"),
    member("remoteSecrets"),
    member("trustModel"),
    member("name"),
];

/// Reads the mesh in a spec; the name is only shown.
pub(super) fn read_mesh(spec: &Object<'_>) -> Option<MeshDraft> {
    if !spec.has("mesh") {
        return None;
    }
    let mesh = spec.object("mesh", MESH)?;
    Some(MeshDraft {
        mode: mesh.parsed("mode", MeshMode::parse),
        trust_model: mesh.parsed("trustModel", parse_trust_model),
        remote_secrets: read_switch(&mesh, "remoteSecrets"),
    })
}

fn read_switch(object: &Object<'_>, name: &str) -> bool {
    let Some(value) = object.value(name) else {
        return false;
    };
    value.as_bool().unwrap_or_else(|| {
        let field = object.path_of(name);
        object.report().mistyped(&field, "true or false");
        false
    })
}

fn parse_trust_model(text: &str) -> Result<TrustModel, Violation> {
    let mut all = [TrustModel::CloudIntermediate, TrustModel::CloudRoot].into_iter();
    let found = all.find(|model| model.as_str() == text);
    found.ok_or_else(|| Violation::new("must be cloud-intermediate or cloud-root", text))
}
