//! Labels of clusters: a document with one member.

use serde::{Deserialize, Serialize};

use dcm_types::{ClusterLabelName, Violation};

use super::read;
use crate::object::{Member, Object, aliased, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A label of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterLabelDocument {
    /// The label; it has no value.
    pub cluster_label: String,
}

impl ClusterLabelDocument {
    /// The document of a label.
    pub fn of(label: &ClusterLabelName) -> Self {
        Self {
            cluster_label: label.to_string(),
        }
    }
}

/// Members of a label; clients send `metadata`, which means nothing.
pub(super) const LABEL: &[Member] = &[aliased("clusterLabel", &["labelname"]), member("metadata")];

/// Reads a label.
pub fn read_cluster_label(
    body: &[u8],
    path_name: Option<&ClusterLabelName>,
    validation: FieldValidation,
) -> Result<Decoded<ClusterLabelName>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, LABEL, report)?;
        match path_name {
            Some(name) if !body.has("clusterLabel") => Some(name.clone()),
            Some(name) => body.required("clusterLabel", |text| {
                let label = ClusterLabelName::parse(text)?;
                if label != *name {
                    return Err(Violation::new("must be the label in the path", text));
                }
                Ok(label)
            }),
            None => body.required("clusterLabel", ClusterLabelName::parse),
        }
    })
}
