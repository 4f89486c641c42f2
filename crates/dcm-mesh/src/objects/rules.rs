//! What holds for all workloads of a mesh.

use serde_json::{Value, json};

use super::object;
use crate::MeshName;

/// No workload takes anything but mutual TLS. In the mesh's own namespace, which is its root: it holds everywhere.
pub fn strict_mutual_tls(name: &MeshName) -> Value {
    let mut rule = object(
        "security.istio.io/v1",
        "PeerAuthentication",
        "default",
        name,
    );
    rule["spec"] = json!({ "mtls": { "mode": "STRICT" } });
    rule
}
