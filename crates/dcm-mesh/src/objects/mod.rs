//! Objects that we write ourselves, not a renderer: they are few, and must be right to the letter.
//!
//! ```text
//!   namespace   of the control plane            gateway   who may come in from other members
//!   secret      the bundle of authorities       peers     where other members are (no credentials cross clusters)
//!   rules       mutual TLS everywhere           remote    access to another member (opt-in)
//! ```

use serde_json::{Value, json};

use crate::MeshName;

mod gateway;
mod namespace;
mod peers;
mod remote;
mod rules;
mod secret;

pub use gateway::gateway;
pub use namespace::{cloud_labels, namespace};
pub use peers::{Exported, Peer, mesh_networks, service_entries, with_mesh_networks};
pub use remote::{Access, remote_secret};
pub use rules::strict_mutual_tls;
pub use secret::cacerts;

fn object(api_version: &str, kind: &str, name: &str, namespace: &MeshName) -> Value {
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace.as_str() },
    })
}
