//! The namespace of a control plane, and what the namespace of its cloud is labelled with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::values::{DISCOVERY_LABEL, NETWORK_LABEL, REVISION_LABEL};
use crate::{Member, MeshName};

/// The namespace in which the control plane of a mesh runs. A renderer writes none. `id` identifies the cloud.
pub fn namespace(name: &MeshName, id: &str, member: &Member) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name.as_str(),
            "labels": { DISCOVERY_LABEL: id, NETWORK_LABEL: member.network() },
        },
    })
}

/// Labels of the namespace of the cloud: its pods get a proxy of this revision, and the control plane sees them.
pub fn cloud_labels(name: &MeshName, id: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (DISCOVERY_LABEL, id.to_owned()),
        (REVISION_LABEL, name.to_string()),
    ])
}
