//! The objects of each member, as resources of the main dialect.

use std::collections::BTreeMap;

use dcm_types::documents::{ObjectState, ObjectStatus};
use dcm_types::status::{CloudStatus, MemberState, MemberStatus};
use serde_json::json;

use super::{ConnectivityView, DeployedClusterView, DeployedResourceView, GvkView, Selection};
use crate::views::status::ObjectView;

/// The clusters of which something is left after the selection.
pub(super) fn of(status: &CloudStatus, selection: &Selection) -> Vec<DeployedClusterView> {
    status
        .members
        .iter()
        .filter(|member| is_selected(member, selection))
        .map(|member| DeployedClusterView {
            cluster_provider: member.cluster.provider.to_string(),
            cluster: member.cluster.cluster.to_string(),
            connectivity: connectivity(member),
            resources: member
                .objects
                .iter()
                .filter(|object| {
                    selection.resources.is_empty()
                        || selection.resources.contains(&object.object.name)
                })
                .map(|object| resource(object, selection))
                .collect(),
        })
        .filter(|cluster| !cluster.resources.is_empty())
        .collect()
}

type Counts = BTreeMap<String, u64>;

/// How many resources are in which state: deployed, and ready.
pub(super) fn counts(clusters: &[DeployedClusterView]) -> (Counts, Counts) {
    let (mut deployed, mut ready) = (Counts::new(), Counts::new());
    for resource in clusters.iter().flat_map(|cluster| &cluster.resources) {
        if let Some(state) = &resource.deployed_status {
            *deployed.entry(state.clone()).or_default() += 1;
        }
        if let Some(state) = &resource.ready_status {
            *ready.entry(state.clone()).or_default() += 1;
        }
    }
    (deployed, ready)
}

fn is_selected(member: &MemberStatus, selection: &Selection) -> bool {
    let named = |(provider, cluster): &(String, String)| {
        provider == member.cluster.provider.as_str() && cluster == member.cluster.cluster.as_str()
    };
    selection.clusters.is_empty() || selection.clusters.iter().any(named)
}

fn connectivity(member: &MemberStatus) -> ConnectivityView {
    let unanswered = member
        .last_error
        .as_ref()
        .is_some_and(|error| matches!(error.category.as_str(), "unreachable" | "timeout" | "tls"));
    if member.state == MemberState::Unreachable || unanswered {
        ConnectivityView::Retrying
    } else if member.checked_at.is_none() {
        ConnectivityView::Unknown
    } else {
        ConnectivityView::Available
    }
}

fn resource(object: &ObjectStatus, selection: &Selection) -> DeployedResourceView {
    let identity = &object.object;
    let deployed = match object.state {
        ObjectState::Ready | ObjectState::Progressing | ObjectState::Terminating => "Applied",
        ObjectState::Pending => "Pending",
        ObjectState::Blocked => "Failed",
    };
    let ready = match object.state {
        ObjectState::Ready => "Ready",
        ObjectState::Pending => "NotPresent",
        ObjectState::Progressing | ObjectState::Blocked | ObjectState::Terminating => {
            if object.read_at.is_some() {
                "NotReady"
            } else {
                "NotPresent"
            }
        }
    };
    DeployedResourceView {
        gvk: GvkView {
            group: identity.group.clone(),
            version: identity.version.clone(),
            kind: identity.kind.clone(),
        },
        name: identity.name.clone(),
        deployed_status: selection.deployed.then(|| deployed.to_owned()),
        ready_status: (!selection.deployed).then(|| ready.to_owned()),
        detail: selection.detail.then(|| detail(object)),
    }
}

/// What is known of an object. Whole objects are not kept, so it is identity and state.
fn detail(object: &ObjectStatus) -> serde_json::Value {
    let view = ObjectView::of(object);
    let api_version = if view.group.is_empty() {
        view.version.clone()
    } else {
        format!("{}/{}", view.group, view.version)
    };
    let mut metadata = json!({ "name": view.name });
    if let Some(namespace) = &view.namespace {
        metadata["namespace"] = json!(namespace);
    }
    let mut status = json!({ "state": view.state, "reason": view.reason, "message": view.message });
    if let Some(read_at) = view.read_at {
        status["readAt"] = json!(read_at);
    }
    json!({
        "apiVersion": api_version,
        "kind": view.kind,
        "metadata": metadata,
        "status": status,
    })
}
