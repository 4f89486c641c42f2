//! The door for traffic from other members.

use serde_json::{Value, json};

use super::object;
use crate::values::GATEWAY_LABEL;
use crate::{MeshName, gateway};

/// Passes traffic of the mesh on unopened, to the service that its TLS greeting names.
pub fn gateway(name: &MeshName) -> Value {
    let kind = "Gateway";
    let mut gateway = object(
        "networking.istio.io/v1",
        kind,
        "cross-network-gateway",
        name,
    );
    gateway["spec"] = json!({
        "selector": { GATEWAY_LABEL.0: GATEWAY_LABEL.1 },
        "servers": [{
            "port": { "number": gateway::PORT, "name": "tls", "protocol": "TLS" },
            "tls": { "mode": "AUTO_PASSTHROUGH" },
            "hosts": ["*.local"],
        }],
    });
    gateway
}
