//! The routes, one file per noun. A handler extracts, calls one use case, and converts.

pub(crate) mod actions;
pub(crate) mod clusters;
pub(crate) mod flat_references;
pub(crate) mod kubeconfigs;
pub(crate) mod logical_clouds;
pub(crate) mod permissions;
pub(crate) mod projects;
pub(crate) mod providers;
pub(crate) mod quotas;
pub(crate) mod references;
pub(crate) mod status;
pub(crate) mod system;
pub(crate) mod users;

use dcm_types::CloudKey;

/// Path of a logical cloud.
fn cloud_path(cloud: &CloudKey) -> String {
    format!(
        "/v2/projects/{}/logical-clouds/{}",
        cloud.project, cloud.cloud
    )
}

/// Path of the status of a logical cloud.
fn status_path(cloud: &CloudKey) -> String {
    format!("{}/status", cloud_path(cloud))
}
