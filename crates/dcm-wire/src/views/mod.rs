//! What callers get back besides documents: status, health, tombstones, authorities, accepted actions, problems.

pub mod accepted;
pub mod authority;
pub mod deployment;
pub mod health;
pub mod mesh;
pub mod problem;
pub mod status;
pub mod sync;
pub mod tombstone;

pub use accepted::{Accepted, QueuedDeletion, Wish, wire_wish};
pub use authority::{
    AnchorView, AuthorityRequestView, AuthorityView, BadEventView, BundleView, EvidenceStageView,
    GenerationStateView, KeyEventsView, KeyOriginView, RotationGoalView, RotationKindView,
    RotationPhaseView, RotationView, SeenView, TrustModelView, WaitingEdgeView,
};
pub use deployment::{
    AppClustersView, AppResourcesView, ClusterNameView, ClustersView, ConnectivityView,
    DeployedClusterView, DeployedResourceView, DeployedStatus, DeploymentMembers, DeploymentView,
    GvkView, InstanceActionView, InstanceStatesView, ReadinessView, ResourceNameView,
    ResourcesView, Selection, StatusDocument,
};
pub use health::{CheckState, ClusterHealthView, FindingView, SignerView};
pub use mesh::{MeshBundleView, MeshMemberView, MeshPeerView, MeshProblemView, ServiceMeshView};
pub use problem::{FaultView, Problem};
pub use status::{
    ActionView, ConditionStatusView, ConditionView, DriftView, DriftedFieldView, GenerationView,
    LastErrorView, MemberStateView, MemberView, ObjectStateView, ObjectView, QuotaStateView,
    RecordView, StatusView,
};

pub use sync::{
    DecisionView, OldestKeyView, QueueView, RunView, SyncStatusView, WaitingMemberView,
};
pub use tombstone::{
    RemainderView, TombstoneMetadata, TombstoneSpec, TombstoneStatus, TombstoneView,
};

use dcm_types::Timestamp;

/// Whole seconds between two moments; 0 when the clock went back.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    u64::try_from(later.as_second() - earlier.as_second()).unwrap_or(0)
}
