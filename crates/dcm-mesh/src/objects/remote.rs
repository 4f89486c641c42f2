//! Access of one member's control plane to another member: opt-in, for it opens what the account may read there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::object;
use crate::{Member, MeshName};

/// How another member is reached and read.
pub struct Access {
    /// An address that works from the reading side, `https://...`.
    pub server: String,
    /// PEM of whom the server's certificate leads to.
    pub certificate_authority: String,
    /// A bounded token of the account that may read there.
    pub token: SecretString,
}

/// The Secret in the namespace of the reading control plane. It holds a token: keep it out of logs and documents.
///
/// Its key is the name of the other member, which that one's control plane must know itself by.
pub fn remote_secret(reading: &MeshName, other: &Member, access: &Access) -> Value {
    let cluster = other.cluster();
    // Labels and names of Secrets are lower case; the key below is what counts.
    let name = format!("istio-remote-secret-{}", cluster.to_ascii_lowercase());
    let mut secret = object("v1", "Secret", &name, reading);
    secret["metadata"]["labels"] = json!({ "istio/multiCluster": "true" });
    secret["metadata"]["annotations"] = json!({ "networking.istio.io/cluster": cluster });
    secret["type"] = "Opaque".into();
    // No command and no file: a control plane refuses such.
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": cluster, "cluster": {
            "server": access.server,
            "certificate-authority-data": STANDARD.encode(&access.certificate_authority),
        }}],
        "users": [{ "name": cluster, "user": { "token": access.token.expose_secret() } }],
        "contexts": [{ "name": cluster, "context": { "cluster": cluster, "user": cluster } }],
        "current-context": cluster,
    });
    secret["data"] = json!({ cluster: STANDARD.encode(kubeconfig.to_string()) });
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_found_by_its_label_and_named_by_the_other_member() {
        let access = Access {
            server: "https://192.0.2.7:6443".to_owned(),
            certificate_authority: "authority".to_owned(),
            token: SecretString::from("a.b.c"),
        };
        let reading = MeshName::parse("istio-shop-1").unwrap();
        let secret = remote_secret(&reading, &Member::new("Paris", "n").unwrap(), &access);
        assert_eq!(secret["metadata"]["labels"]["istio/multiCluster"], "true");
        let text = STANDARD
            .decode(secret["data"]["Paris"].as_str().unwrap())
            .unwrap();
        let kubeconfig: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(kubeconfig["users"][0]["user"], json!({ "token": "a.b.c" }));
        assert_eq!(
            kubeconfig["clusters"][0]["cluster"]["server"],
            "https://192.0.2.7:6443"
        );
    }
}
