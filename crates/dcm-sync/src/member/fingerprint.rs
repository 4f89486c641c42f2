//! A fingerprint of what matters of an object: everything but bookkeeping of the API server.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use crate::mesh::readiness::is_available;
use crate::mesh::secret;
use crate::render::quota_in_force;
use dcm_cluster::Object;

/// Equal for two states of an object that a run would treat alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

/// Members that we write or compare.
const COMPARED: [&str; 11] = [
    "/metadata/uid",
    "/metadata/labels",
    "/metadata/annotations",
    "/spec",
    "/data",
    "/rules",
    "/subjects",
    "/roleRef",
    "/aggregationRule",
    "/automountServiceAccountToken",
    "/webhooks",
];

impl Fingerprint {
    /// The fingerprint of an object as read.
    pub(crate) fn of(object: &Object) -> Self {
        let mut hasher = DefaultHasher::new();
        let is_secret = object.kind() == "Secret";
        // What a Secret holds is known by its digest alone.
        let compared = COMPARED
            .iter()
            .filter(|pointer| !(is_secret && **pointer == "/data"));
        for pointer in compared {
            object.at(pointer).map(Value::to_string).hash(&mut hasher);
        }
        object.is_terminating().hash(&mut hasher);
        match object.kind() {
            "ResourceQuota" => quota_in_force(object).hash(&mut hasher),
            "CertificateSigningRequest" => {
                object.text("/status/certificate").hash(&mut hasher);
                object
                    .at("/status/conditions")
                    .map(Value::to_string)
                    .hash(&mut hasher);
            }
            "Secret" => secret::digest_of(object).hash(&mut hasher),
            // Where the gateway of a mesh is reached.
            "Service" => object
                .at("/status/loadBalancer")
                .map(Value::to_string)
                .hash(&mut hasher),
            "Deployment" => is_available(object).hash(&mut hasher),
            _ => {}
        }
        Self(hasher.finish())
    }
}
