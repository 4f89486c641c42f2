//! Vault or `OpenBao`: the PKI engine of a mount signs an intermediate.

use std::path::PathBuf;

use async_trait::async_trait;
use dcm_ca::{Signed, SigningBackend, SigningError, SigningOrder};
use http::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::settings::read_secret;

/// Below the mount.
const SIGN: &str = "root/sign-intermediate";
const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");

/// A mount of a Vault.
pub(crate) struct Vault {
    pub(crate) connection: Connection,
    pub(crate) mount: String,
    /// Read for each call, so that whoever renews the token needs nobody here.
    pub(crate) token_file: PathBuf,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    certificate: String,
    #[serde(default)]
    issuing_ca: String,
    #[serde(default)]
    ca_chain: Vec<String>,
}

#[async_trait]
impl SigningBackend for Vault {
    fn name(&self) -> &'static str {
        "vault"
    }

    async fn sign(&self, order: &SigningOrder<'_>) -> Result<Signed, SigningError> {
        let token = read_secret(&self.token_file)
            .map_err(|error| SigningError::Refused(error.to_string()))?;
        let path = format!("/v1/{}/{SIGN}", self.mount);
        let secret = Some((TOKEN, &token));
        let answer: Answer = self.connection.post(&path, secret, &body(order)).await?;
        let data = answer.data;
        let above = match data.ca_chain.as_slice() {
            [] => vec![data.issuing_ca],
            chain => chain.to_vec(),
        };
        Ok(Signed::Chain(lines(
            std::iter::once(data.certificate).chain(above),
        )))
    }
}

/// Everything is named here: what a request says about itself is not used.
fn body(order: &SigningOrder<'_>) -> Value {
    let uris: Vec<String> = order
        .trust_domain
        .iter()
        .map(|name| format!("spiffe://{name}"))
        .collect();
    json!({
        "csr": order.request_pem,
        "use_csr_values": false,
        "common_name": order.common_name,
        "organization": [order.organization],
        "ou": order.unit.iter().collect::<Vec<_>>(),
        "uri_sans": uris,
        "exclude_cn_from_sans": true,
        "max_path_length": order.path_length,
        "ttl": format!("{}s", order.life.as_secs()),
        "format": "pem",
    })
}

/// Texts of certificates, each on lines of its own.
pub(crate) fn lines(texts: impl Iterator<Item = String>) -> String {
    let trimmed = texts.map(|text| text.trim().to_owned());
    let each: Vec<String> = trimmed.filter(|text| !text.is_empty()).collect();
    each.join("\n") + "\n"
}
