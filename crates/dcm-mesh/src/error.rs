//! Why a mesh cannot be rendered.

use dcm_types::Violation;

/// What went wrong; the first three are for whoever configures, the others for whoever renders.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Without them a renderer takes images that were never released.
    #[error("images are not pinned: '{field}' {rule}")]
    ImagesNotPinned {
        /// The field of the configuration.
        field: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A name, a label or an address breaks a rule.
    #[error("'{field}' {}", violation.rule)]
    Invalid {
        /// The field.
        field: &'static str,
        /// The rule that it breaks.
        violation: Violation,
    },
    /// The renderer gave no manifest.
    #[error("render the manifest of a mesh: {0}")]
    Render(String),
    /// What was rendered cannot be read.
    #[error("read a rendered manifest: {0}")]
    Unreadable(String),
    /// What was rendered reaches out of the mesh.
    #[error("a rendered {kind} '{name}' {rule}")]
    Foreign {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ImagesNotPinned { .. } => {
                "set hub and tag of the mesh's images to a registry of yours and a released version"
            }
            Self::Invalid { .. } => "correct the value",
            Self::Render(_) => {
                "see what the renderer said, and whether it is the program that is configured"
            }
            Self::Unreadable(_) => {
                "a manifest is YAML with one Kubernetes object per document, at most 8 MiB"
            }
            Self::Foreign { .. } => {
                "a manifest of a mesh may hold definitions of resources, objects in the mesh's namespace, and \
                 cluster-wide objects that have the mesh's name in theirs"
            }
        }
    }
}
