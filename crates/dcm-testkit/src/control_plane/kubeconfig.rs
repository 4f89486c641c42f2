//! Kubeconfig text with embedded data only: no paths, no commands, so it works anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::certificates::Identity;

/// JSON, which every reader of YAML takes, and which needs no YAML writer here.
pub(crate) fn render(server: &str, authority: &str, user: &str, identity: &Identity) -> String {
    let document = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testkit", "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{ "name": user, "user": {
            "client-certificate-data": STANDARD.encode(&identity.certificate),
            "client-key-data": STANDARD.encode(&identity.key),
        }}],
        "contexts": [{ "name": "testkit", "context": { "cluster": "testkit", "user": user } }],
        "current-context": "testkit",
    });
    format!("{document:#}\n")
}
