//! The shapes of the documents.

use std::collections::BTreeMap;

use dcm_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::views::StatusView;

/// Both forms of the status in one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusDocument {
    /// The status with conditions.
    #[serde(flatten)]
    pub status: StatusView,
    /// What is deployed.
    #[serde(flatten)]
    pub deployment: DeploymentMembers,
}

/// What is deployed of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeploymentView {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// The rest.
    #[serde(flatten)]
    pub members: DeploymentMembers,
}

/// Actions, deployment and readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeploymentMembers {
    /// The actions so far.
    pub states: InstanceStatesView,
    /// How far the last action has come; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_status: Option<DeployedStatus>,
    /// Whether everything is ready, for `status=ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_status: Option<ReadinessView>,
    /// How many resources are `Pending`, `Applied`, `Failed`, for `status=deployed`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deployed_counts: BTreeMap<String, u64>,
    /// How many resources are `Ready`, `NotReady`, `NotPresent`, for `status=ready`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ready_counts: BTreeMap<String, u64>,
    /// The clusters with their resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<DeployedClusterView>,
}

/// The actions on a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceStatesView {
    /// The instance that the last action was about; empty before the first.
    pub statusctxid: String,
    /// Oldest first; the oldest of many are forgotten.
    pub actions: Vec<InstanceActionView>,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceActionView {
    /// `Created`, `Instantiated`, `Updated`, `Terminated`, `InstantiateStopped`, `TerminateStopped`:
    /// what was asked, not what came of it.
    pub state: String,
    /// The instance.
    pub instance: String,
    /// When.
    pub time: Timestamp,
    /// How many actions there were before it.
    pub revision: u64,
}

/// How far an action has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeployedStatus {
    /// Under way.
    Instantiating,
    /// Everything was read back.
    Instantiated,
    /// A member does not move until somebody changes something.
    InstantiateFailed,
    /// Overtaken by a later instance.
    Updated,
    /// Being removed.
    Terminating,
    /// Nothing is left.
    Terminated,
    /// Something is left, and does not move until somebody changes something.
    TerminateFailed,
}

/// Whether everything is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReadinessView {
    /// Every member is ready at the wanted generation.
    Ready,
    /// Not so.
    NotReady,
}

impl ReadinessView {
    pub(super) fn of(ready: bool) -> Self {
        if ready { Self::Ready } else { Self::NotReady }
    }
}

/// A cluster with its resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeployedClusterView {
    /// Its provider.
    pub cluster_provider: String,
    /// Its name.
    pub cluster: String,
    /// Whether it answers.
    pub connectivity: ConnectivityView,
    /// Its resources.
    pub resources: Vec<DeployedResourceView>,
}

/// Whether a cluster answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ConnectivityView {
    /// It did when it was last asked.
    Available,
    /// It did not, and is asked again.
    Retrying,
    /// It was not asked yet.
    Unknown,
}

/// A resource in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeployedResourceView {
    /// Its kind.
    #[serde(rename = "GVK")]
    pub gvk: GvkView,
    /// Its name.
    pub name: String,
    /// `Pending`, `Applied` or `Failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_status: Option<String>,
    /// `Ready`, `NotReady` or `NotPresent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_status: Option<String>,
    /// What is known of it, for `output=detail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<serde_json::Value>,
}

/// Group, version and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "PascalCase")]
pub struct GvkView {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
}

/// The clusters of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClustersView {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// One entry, or none before the first action.
    pub clusters_by_app: Vec<AppClustersView>,
}

/// Clusters of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppClustersView {
    /// Always `logical-cloud`.
    pub app: String,
    /// The clusters.
    pub clusters: Vec<ClusterNameView>,
}

/// Names a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterNameView {
    /// Its provider.
    pub cluster_provider: String,
    /// Its name.
    pub cluster: String,
}

/// The resources of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResourcesView {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// One entry per cluster.
    pub resources_by_app: Vec<AppResourcesView>,
}

/// Resources of an app in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AppResourcesView {
    /// Always `logical-cloud`.
    pub app: String,
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// Its resources.
    pub resources: Vec<ResourceNameView>,
}

/// Names a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceNameView {
    /// Its name.
    pub name: String,
    /// Its kind.
    #[serde(rename = "GVK")]
    pub gvk: GvkView,
}
