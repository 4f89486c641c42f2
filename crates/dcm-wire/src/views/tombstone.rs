//! A tombstone: what is left of a deleted logical cloud in a cluster that did not answer.

use serde::{Deserialize, Serialize};

use dcm_types::Timestamp;
use dcm_types::documents::{ObjectIdentity, Tombstone};

use super::{ConditionView, LastErrorView};

/// What is left of a deleted logical cloud in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TombstoneView {
    /// Its id.
    pub metadata: TombstoneMetadata,
    /// Of what it is left, and where.
    pub spec: TombstoneSpec,
    /// How far it is cleaned up.
    pub status: TombstoneStatus,
}

/// Names a tombstone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TombstoneMetadata {
    /// Its id; the name of the logical cloud is free again.
    pub name: String,
}

/// Of what something is left, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TombstoneSpec {
    /// Project of the logical cloud.
    pub project: String,
    /// Name that the logical cloud had.
    pub logical_cloud: String,
    /// Its uid: the value of the label `dcm.internal/cloud` on everything that is left.
    pub cloud_uid: String,
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// The namespace, which stays held in this cluster.
    pub namespace: String,
    /// Generation of the termination.
    pub generation: u64,
}

/// How far it is cleaned up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TombstoneStatus {
    /// When the logical cloud was deleted.
    pub created_at: Timestamp,
    /// When the cluster was last compared with what shall be there: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// One condition per track.
    pub conditions: Vec<ConditionView>,
    /// Why the last run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastErrorView>,
    /// What may be left.
    pub inventory: Vec<RemainderView>,
}

/// An object that may be left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RemainderView {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl TombstoneView {
    /// The view of a tombstone at a moment.
    pub fn of(tombstone: &Tombstone, now: Timestamp) -> Self {
        let target = &tombstone.target;
        let key = &target.key;
        let condition = |condition| ConditionView::of(condition, now);
        Self {
            metadata: TombstoneMetadata {
                name: tombstone.id.to_string(),
            },
            spec: TombstoneSpec {
                project: key.cloud.project.to_string(),
                logical_cloud: key.cloud.cloud.to_string(),
                cloud_uid: target.cloud_uid.to_string(),
                cluster_provider: key.cluster.provider.to_string(),
                cluster: key.cluster.cluster.to_string(),
                namespace: target.namespace.to_string(),
                generation: tombstone.revision.generation,
            },
            status: TombstoneStatus {
                created_at: tombstone.created_at,
                checked_at: target.checked_at,
                conditions: target.conditions.iter().map(condition).collect(),
                last_error: target.last_error.as_ref().map(LastErrorView::of),
                inventory: target.inventory.iter().map(RemainderView::of).collect(),
            },
        }
    }
}

impl RemainderView {
    fn of(object: &ObjectIdentity) -> Self {
        Self {
            group: object.group.clone(),
            version: object.version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        }
    }
}
