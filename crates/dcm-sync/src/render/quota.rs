//! Quotas, and the defaults that keep plain pods possible under a quota on CPU or memory.

use std::collections::BTreeMap;

use dcm_types::Track;
use dcm_types::documents::Revision;
use dcm_types::member_name::LIMIT_RANGE;
use dcm_types::quantity::same_amount;
use serde_json::{Map, Value, json};

use super::{Wanted, in_namespace};
use dcm_cluster::{Object, Resource};

/// One `ResourceQuota` per quota, of the same name.
pub(super) fn quotas(revision: &Revision) -> impl Iterator<Item = Wanted> + '_ {
    revision.slice.quotas.iter().map(|quota| {
        let (place, object) = in_namespace(revision, Resource::ResourceQuota, quota.name.as_str());
        let hard: Map<String, Value> = quota
            .limits
            .iter()
            .map(|(key, amount)| (key.to_owned(), json!(amount)))
            .collect();
        Wanted {
            track: Track::Quota,
            place,
            object: object.with("spec", json!({ "hard": hard })),
        }
    })
}

/// Requests and limits for containers that name none: without them the API server refuses every plain
/// pod as soon as a quota bounds the resource.
const DEFAULTS: [(&str, &str, &str); 2] = [("cpu", "100m", "500m"), ("memory", "128Mi", "512Mi")];

/// A `LimitRange` with defaults for the resources that some quota bounds; none when no quota does.
pub(super) fn limit_range(revision: &Revision) -> Option<Wanted> {
    let bounded = |resource: &str| {
        revision
            .slice
            .quotas
            .iter()
            .flat_map(|quota| quota.limits.iter())
            .any(|(key, _)| {
                key == resource
                    || key == format!("requests.{resource}")
                    || key == format!("limits.{resource}")
            })
    };
    let mut requests = BTreeMap::new();
    let mut limits = BTreeMap::new();
    for (resource, request, limit) in DEFAULTS {
        if bounded(resource) {
            requests.insert(resource, request);
            limits.insert(resource, limit);
        }
    }
    if requests.is_empty() {
        return None;
    }
    let (place, object) = in_namespace(revision, Resource::LimitRange, LIMIT_RANGE);
    let spec = json!({
        "limits": [{ "type": "Container", "default": limits, "defaultRequest": requests }],
    });
    Some(Wanted {
        track: Track::Quota,
        place,
        object: object.with("spec", spec),
    })
}

/// Whether a quota is in force: quota admission works from the status, so a fresh quota bounds nothing
/// until `status.hard` equals `spec.hard`.
pub(crate) fn quota_in_force(quota: &Object) -> bool {
    match (quota.map("/spec/hard"), quota.map("/status/hard")) {
        (Some(spec), Some(status)) => same_limits(spec, status),
        (None, _) => true,
        (Some(spec), None) => spec.is_empty(),
    }
}

/// Whether two sets of limits have the same keys and amounts; quantities are compared as amounts,
/// because the API server writes them in its own form.
pub(crate) fn same_limits(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(key, amount)| {
            let (Some(amount), Some(other)) =
                (amount.as_str(), other.get(key).and_then(Value::as_str))
            else {
                return false;
            };
            amount == other || same_amount(amount, other)
        })
}
