//! The status in the form of the main dialect's older servers: the instance that an action made, what was
//! deployed of it, and whether it is ready. All of it is what was read back.
//!
//! An instance is the generation that an `instantiate` or `update` made, as decimal text; `terminate`
//! and `stop` are actions on the instance before them.

mod history;
mod resources;
mod shapes;

use dcm_types::documents::Wish;
use dcm_types::status::{CloudStatus, MemberState};

use super::StatusView;
pub use shapes::{
    AppClustersView, AppResourcesView, ClusterNameView, ClustersView, ConnectivityView,
    DeployedClusterView, DeployedResourceView, DeployedStatus, DeploymentMembers, DeploymentView,
    GvkView, InstanceActionView, InstanceStatesView, ReadinessView, ResourceNameView,
    ResourcesView, StatusDocument,
};

/// What a caller wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// An instance; the present one, if not given.
    pub instance: Option<u64>,
    /// Tell what is deployed instead of what is ready.
    pub deployed: bool,
    /// Leave the resources out.
    pub summary: bool,
    /// Tell what is known of each resource.
    pub detail: bool,
    /// Only these clusters, as provider and name; all, if there are none.
    pub clusters: Vec<(String, String)>,
    /// Only resources of these names; all, if there are none.
    pub resources: Vec<String>,
}

/// The name under which the objects of a logical cloud are told.
const APP: &str = "logical-cloud";

impl DeploymentView {
    /// The document; `None` when the instance is none of this cloud.
    pub fn of(status: &CloudStatus, selection: &Selection) -> Option<Self> {
        Some(Self {
            project: status.cloud.project.to_string(),
            name: status.cloud.cloud.to_string(),
            members: DeploymentMembers::of(status, selection)?,
        })
    }
}

impl StatusDocument {
    /// Both forms in one.
    pub fn of(status: &CloudStatus) -> Self {
        let deployment = DeploymentMembers::of(status, &Selection::default());
        Self {
            status: StatusView::of(status, None),
            deployment: deployment.expect("without an instance the present one is told"),
        }
    }
}

impl DeploymentMembers {
    fn of(status: &CloudStatus, selection: &Selection) -> Option<Self> {
        let told = history::of(status);
        let bare = Self {
            states: told.states,
            deployed_status: None,
            ready_status: None,
            deployed_counts: std::collections::BTreeMap::new(),
            ready_counts: std::collections::BTreeMap::new(),
            clusters: Vec::new(),
        };
        let readiness = |ready: bool| (!selection.deployed).then(|| ReadinessView::of(ready));
        if let Some(instance) = selection.instance
            && told.present != Some(instance)
        {
            // Nothing is known of an instance that was overtaken but how it ended.
            let end = told
                .overtaken
                .iter()
                .find(|(known, _)| *known == instance)?;
            return Some(Self {
                deployed_status: Some(end.1),
                ready_status: readiness(false),
                ..bare
            });
        }
        if told.present.is_none() {
            return Some(bare);
        }
        let clusters = resources::of(status, selection);
        let (deployed_counts, ready_counts) = resources::counts(&clusters);
        Some(Self {
            deployed_status: Some(deployed(status)),
            ready_status: readiness(status.is_ready()),
            deployed_counts,
            ready_counts,
            clusters: if selection.summary {
                Vec::new()
            } else {
                clusters
            },
            ..bare
        })
    }
}

/// How far the present wish has come.
fn deployed(status: &CloudStatus) -> DeployedStatus {
    let blocked = status
        .members
        .iter()
        .any(|member| member.state == MemberState::Blocked);
    let applied = status
        .members
        .iter()
        .all(|member| member.applied_generation == Some(status.wanted_generation));
    if status.wish == Some(Wish::Present) {
        match (applied, blocked) {
            (true, _) => DeployedStatus::Instantiated,
            (false, true) => DeployedStatus::InstantiateFailed,
            (false, false) => DeployedStatus::Instantiating,
        }
    } else if status.is_absent() {
        DeployedStatus::Terminated
    } else if blocked {
        DeployedStatus::TerminateFailed
    } else {
        DeployedStatus::Terminating
    }
}

impl ClustersView {
    /// The clusters of the present instance.
    pub fn of(status: &CloudStatus, selection: &Selection) -> Option<Self> {
        let is_present = is_present(status, selection)?;
        let names = status
            .members
            .iter()
            .filter(|m| m.state != MemberState::Absent);
        let names: Vec<_> = names
            .map(|member| ClusterNameView {
                cluster_provider: member.cluster.provider.to_string(),
                cluster: member.cluster.cluster.to_string(),
            })
            .collect();
        Some(Self {
            project: status.cloud.project.to_string(),
            name: status.cloud.cloud.to_string(),
            clusters_by_app: if is_present {
                vec![AppClustersView {
                    app: APP.to_owned(),
                    clusters: names,
                }]
            } else {
                Vec::new()
            },
        })
    }
}

impl ResourcesView {
    /// The resources of the present instance.
    pub fn of(status: &CloudStatus, selection: &Selection) -> Option<Self> {
        let is_present = is_present(status, selection)?;
        let clusters = resources::of(status, selection);
        let by_app = clusters.into_iter().map(|cluster| AppResourcesView {
            app: APP.to_owned(),
            cluster_provider: cluster.cluster_provider,
            cluster: cluster.cluster,
            resources: cluster
                .resources
                .into_iter()
                .map(|resource| ResourceNameView {
                    name: resource.name,
                    gvk: resource.gvk,
                })
                .collect(),
        });
        Some(Self {
            project: status.cloud.project.to_string(),
            name: status.cloud.cloud.to_string(),
            resources_by_app: by_app.filter(|_| is_present).collect(),
        })
    }
}

/// Whether the present instance is asked for; `None` when the instance is none of this cloud.
fn is_present(status: &CloudStatus, selection: &Selection) -> Option<bool> {
    let told = history::of(status);
    match selection.instance {
        None => Some(told.present.is_some()),
        Some(instance) if told.present == Some(instance) => Some(true),
        Some(instance) => told
            .overtaken
            .iter()
            .any(|(known, _)| *known == instance)
            .then_some(false),
    }
}
