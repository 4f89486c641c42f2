//! The door for traffic from other members.

use serde_json::{Value, json};

use super::object;
use crate::{MeshName, gateway};

/// The label of the pods that serve it.
const SELECTOR: &str = "eastwestgateway";

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
        "selector": { "istio": SELECTOR },
        "servers": [{
            "port": { "number": gateway::PORT, "name": "tls", "protocol": "TLS" },
            "tls": { "mode": "AUTO_PASSTHROUGH" },
            "hosts": ["*.local"],
        }],
    });
    gateway
}
