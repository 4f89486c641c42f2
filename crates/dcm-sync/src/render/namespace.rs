//! The namespace of a logical cloud.

use dcm_mesh::objects::cloud_labels;
use dcm_types::Track;
use dcm_types::documents::{MeshMode, PodSecurity, Revision};
use serde_json::json;

use super::{CLOUD_ANNOTATION, Wanted, labels, namespace_place};
use dcm_cluster::Object;

/// Namespace with the owner's labels, those of its mesh, the tenant's, and the pod security level.
pub(super) fn namespace(revision: &Revision) -> Wanted {
    let place = namespace_place(revision);
    let mut labels = labels(revision);
    let mesh = revision.slice.mesh.as_ref();
    if let Some(mesh) = mesh.filter(|mesh| mesh.mode == MeshMode::Istio) {
        for (key, value) in cloud_labels(&mesh.name, mesh.name.as_str()) {
            labels[key] = json!(value);
        }
    }
    for (key, value) in &revision.slice.labels {
        // Ours win; the tenant's were checked not to touch them.
        if labels.get(key).is_none() {
            labels[key] = json!(value);
        }
    }
    labels["pod-security.kubernetes.io/enforce"] = json!(match revision.slice.pod_security {
        PodSecurity::Baseline => "baseline",
        PodSecurity::Restricted => "restricted",
    });
    let mut object = Object::new(&place, &labels);
    object.0["metadata"]["annotations"] = json!({ CLOUD_ANNOTATION: revision.cloud.to_string() });
    Wanted {
        track: Track::Namespace,
        place,
        object,
    }
}
