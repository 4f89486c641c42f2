//! Entries of a list that is applied as a whole: a document and its place, or an action on a cloud.

use crate::documents::{Action, ControllerGroup};
use crate::drafts::{
    CloudKvDraft, ClusterDraft, ClusterKvDraft, ControllerDraft, LogicalCloudDraft,
    PermissionDraft, ProjectDraft, ProviderDraft, QuotaDraft, ReferenceDraft, SyncObjectDraft,
    UserDraft,
};
use crate::key::{CloudKey, ClusterKey, Key};
use crate::name::{ClusterLabelName, ProjectName, ProviderName};

/// One entry. No `Debug`: it may hold a credential. Variants stand in the order in which they are
/// applied: what others depend on first, actions last.
#[derive(Clone)]
pub enum Entry {
    /// A controller.
    Controller(ControllerGroup, ControllerDraft),
    /// A cluster provider.
    Provider(ProviderDraft),
    /// A synchronisation object.
    SyncObject(ProviderName, SyncObjectDraft),
    /// A cluster.
    Cluster(ProviderName, ClusterDraft),
    /// A label of a cluster.
    ClusterLabel(ClusterKey, ClusterLabelName),
    /// Key-values of a cluster.
    ClusterKv(ClusterKey, ClusterKvDraft),
    /// A project.
    Project(ProjectDraft),
    /// A logical cloud.
    LogicalCloud(ProjectName, Box<LogicalCloudDraft>),
    /// A user.
    User(CloudKey, UserDraft),
    /// A cluster reference.
    Reference(CloudKey, ReferenceDraft),
    /// A user permission.
    Permission(CloudKey, PermissionDraft),
    /// A quota.
    Quota(CloudKey, QuotaDraft),
    /// Key-values of a logical cloud.
    CloudKv(CloudKey, CloudKvDraft),
    /// An action on a logical cloud.
    Action(CloudKey, Action),
}

impl Entry {
    /// Its place in the order in which entries are applied.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Controller(..) => 0,
            Self::Provider(_) => 1,
            Self::SyncObject(..) => 2,
            Self::Cluster(..) => 3,
            Self::ClusterLabel(..) => 4,
            Self::ClusterKv(..) => 5,
            Self::Project(_) => 6,
            Self::LogicalCloud(..) => 7,
            Self::User(..) => 8,
            Self::Reference(..) => 9,
            Self::Permission(..) => 10,
            Self::Quota(..) => 11,
            Self::CloudKv(..) => 12,
            Self::Action(..) => 13,
        }
    }

    /// The document that it writes; `None` for an action, and for a reference that gets its name later.
    pub fn key(&self) -> Option<Key> {
        Some(match self {
            Self::Controller(group, draft) => Key::controller(*group, &draft.name),
            Self::Provider(draft) => Key::provider(&draft.name),
            Self::SyncObject(provider, draft) => Key::sync_object(provider, &draft.name),
            Self::Cluster(provider, draft) => Key::cluster(&ClusterKey {
                provider: provider.clone(),
                cluster: draft.name.clone(),
            }),
            Self::ClusterLabel(cluster, label) => Key::cluster_label(cluster, label),
            Self::ClusterKv(cluster, draft) => Key::cluster_kv(cluster, &draft.name),
            Self::Project(draft) => Key::project(&draft.name),
            Self::LogicalCloud(project, draft) => Key::cloud(&CloudKey {
                project: project.clone(),
                cloud: draft.name.clone(),
            }),
            Self::User(cloud, draft) => Key::user(cloud, &draft.name),
            Self::Reference(cloud, draft) => Key::reference(cloud, draft.name.as_ref()?),
            Self::Permission(cloud, draft) => Key::permission(cloud, &draft.name),
            Self::Quota(cloud, draft) => Key::quota(cloud, &draft.name),
            Self::CloudKv(cloud, draft) => Key::cloud_kv(cloud, &draft.name),
            Self::Action(..) => return None,
        })
    }
}
