//! The routes, one file per noun. A handler extracts, calls one use case, and converts.

pub(crate) mod actions;
pub(crate) mod apply;
pub(crate) mod authorities;
pub(crate) mod cloud_kvs;
pub(crate) mod cluster_kvs;
pub(crate) mod cluster_labels;
pub(crate) mod cluster_manager_controllers;
pub(crate) mod clusters;
pub(crate) mod controllers;
pub(crate) mod docs;
pub(crate) mod flat_references;
pub(crate) mod foreign_authorities;
pub(crate) mod kubeconfigs;
pub(crate) mod logical_clouds;
pub(crate) mod permissions;
pub(crate) mod projects;
pub(crate) mod providers;
pub(crate) mod quotas;
pub(crate) mod references;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod sync_objects;
pub(crate) mod system;
pub(crate) mod tombstones;
pub(crate) mod users;

use dcm_types::{CloudKey, Kind};
use dcm_wire::documents::{KvDocument, KvValue};

use crate::answer::Answer;
use crate::error::ApiError;

/// Key-values, or with `?key=` one value of them.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) enum PairsOrValue {
    /// Without `key`.
    Pairs(KvDocument),
    /// With it.
    Value(KvValue),
}

/// The value of a key that was asked for.
fn key_value(version: u64, value: Option<&str>) -> Result<Answer, ApiError> {
    let value = value
        .ok_or_else(|| ApiError::new(Kind::NotFound, "no map of the key-values has this key"))?;
    let document = KvValue {
        value: value.to_owned(),
    };
    Ok(Answer::found(version, &document))
}

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
