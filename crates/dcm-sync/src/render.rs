//! What a revision means in a member: pure, and unable to fail, because a revision is valid and leaves
//! nothing to choose.
//!
//! Names come from `dcm_types::member_name`; every object carries the owner label.

use dcm_types::documents::Revision;
use dcm_types::member_name::{self, MANAGED_BY_LABEL, MANAGER, OWNER_LABEL, SYSTEM_NAMESPACE};
use dcm_types::{NamespaceName, Track};
use serde_json::{Value, json};

use dcm_cluster::{Object, Place, Resource};

mod access;
mod isolation;
mod namespace;
mod quota;

pub(crate) use access::{
    SIGNER, USAGES, account_place, binding_user, certificate_request, role_of,
};
pub(crate) use quota::{quota_in_force, same_limits};

/// Annotation of the anchor: the generation that the member is at.
pub(crate) const GENERATION_ANNOTATION: &str = "dcm.internal/generation";
/// Annotation for people: which cloud an object belongs to.
pub(crate) const CLOUD_ANNOTATION: &str = "dcm.internal/logical-cloud";

/// An object that shall exist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) track: Track,
    pub(crate) place: Place,
    pub(crate) object: Object,
}

/// Everything that shall exist in a member, in order of trust; certificate requests are made apart.
pub(crate) fn slice(revision: &Revision) -> Vec<Wanted> {
    let mut wanted = vec![anchor(revision), namespace::namespace(revision)];
    wanted.extend(quota::quotas(revision));
    wanted.extend(quota::limit_range(revision));
    wanted.extend(isolation::policies(revision));
    wanted.extend(access::accounts(revision));
    wanted.extend(access::roles(revision));
    wanted.extend(access::bindings(revision));
    wanted
}

/// The anchor: it carries the generation and orders the runs.
pub(crate) fn anchor(revision: &Revision) -> Wanted {
    let place = anchor_place(revision);
    let object = Object::new(&place, &labels(revision));
    let mut object = object.with(
        "data",
        json!({
            "project": revision.cloud.project.as_str(),
            "logical-cloud": revision.cloud.cloud.as_str(),
            "namespace": revision.slice.namespace.as_str(),
        }),
    );
    object.0["metadata"]["annotations"] =
        json!({ GENERATION_ANNOTATION: revision.generation.to_string() });
    Wanted {
        track: Track::Member,
        place,
        object,
    }
}

/// Where the anchor of a cloud is.
pub(crate) fn anchor_place(revision: &Revision) -> Place {
    Place {
        resource: Resource::ConfigMap,
        namespace: Some(SYSTEM_NAMESPACE.to_owned()),
        name: member_name::anchor(revision.cloud_uid, revision.cloud.cloud.as_str()),
    }
}

/// The namespace of the anchors. It belongs to no cloud and stays.
pub(crate) fn system_namespace() -> Object {
    let place = Place {
        resource: Resource::Namespace,
        namespace: None,
        name: SYSTEM_NAMESPACE.to_owned(),
    };
    let mut object = Object::new(
        &place,
        &json!({ "pod-security.kubernetes.io/enforce": "restricted" }),
    );
    object.0["metadata"]["annotations"] =
        json!({ "dcm.internal/purpose": "anchors of logical clouds; empty when there are none" });
    object
}

/// The generation of an anchor as read; 0 when it has none that can be read.
pub(crate) fn anchor_generation(anchor: &Object) -> u64 {
    anchor
        .at("/metadata/annotations")
        .and_then(|annotations| annotations.get(GENERATION_ANNOTATION))
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Whether a place is outside of the cloud's own namespace, where only permissions reach.
pub(crate) fn is_outside(revision: &Revision, place: &Place) -> bool {
    let own = Some(revision.slice.namespace.as_str());
    place.resource.is_access() && place.namespace.as_deref() != own
}

/// The place of the cloud's namespace.
pub(crate) fn namespace_place(revision: &Revision) -> Place {
    place_of_namespace(&revision.slice.namespace)
}

/// The place of a namespace.
pub(crate) fn place_of_namespace(name: &NamespaceName) -> Place {
    Place {
        resource: Resource::Namespace,
        namespace: None,
        name: name.to_string(),
    }
}

fn labels(revision: &Revision) -> Value {
    json!({ OWNER_LABEL: revision.cloud_uid.to_string(), MANAGED_BY_LABEL: MANAGER })
}

/// A new object in the namespace of the cloud.
fn in_namespace(revision: &Revision, resource: Resource, name: &str) -> (Place, Object) {
    let namespace = Some(revision.slice.namespace.to_string());
    let place = Place {
        resource,
        namespace,
        name: name.to_owned(),
    };
    let object = Object::new(&place, &labels(revision));
    (place, object)
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
