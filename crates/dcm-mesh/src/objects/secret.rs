//! The Secret with the bundle of authorities. It must be there before its control plane starts, which else makes an
//! authority of its own and never looks again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::bundle::Files;
use serde_json::{Map, Value};

use super::object;
use crate::MeshName;

/// The name that every control plane looks for.
const NAME: &str = "cacerts";

/// The Secret of a member. It holds a private key: whoever gets it keeps it out of logs and documents.
pub fn cacerts(name: &MeshName, files: &Files) -> Value {
    let mut secret = object("v1", "Secret", NAME, name);
    secret["type"] = "Opaque".into();
    let data: Map<_, _> = files
        .each()
        .into_iter()
        .map(|(file, text)| (file.to_owned(), STANDARD.encode(text).into()))
        .collect();
    secret["data"] = Value::Object(data);
    secret
}
