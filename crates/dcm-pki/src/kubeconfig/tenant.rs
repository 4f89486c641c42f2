//! What a tenant gets for one member: the parts of a kubeconfig. [`super::render()`] writes the file.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::admin::{secret, secret_json};
use crate::error::Error;

/// A tenant's way into one member.
#[derive(Clone)]
pub struct TenantKubeconfig {
    /// Name of the context, and of the cluster entry.
    pub context: String,
    /// URL of the API server.
    pub server: String,
    /// The authorities that the server is authenticated by, PEM.
    pub certificate_authority_pem: String,
    /// The name in the server's certificate, when it is not the host.
    pub tls_server_name: Option<String>,
    /// The user's name; the user entry is called `user@context`.
    pub user: String,
    /// The user's certificate, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM.
    pub key_pem: SecretString,
    /// The namespace of the logical cloud.
    pub namespace: String,
}

impl fmt::Debug for TenantKubeconfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TenantKubeconfig")
            .field("context", &self.context)
            .field("server", &self.server)
            .field("user", &self.user)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<T> {
    context: T,
    server: T,
    certificate_authority: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default = "Option::default")]
    tls_server_name: Option<T>,
    user: T,
    certificate: T,
    key: T,
    namespace: T,
}

impl TenantKubeconfig {
    /// The form in which it is sealed and stored.
    pub fn to_json(&self) -> SecretString {
        secret_json(&Stored {
            context: self.context.as_str(),
            server: self.server.as_str(),
            certificate_authority: self.certificate_authority_pem.as_str(),
            tls_server_name: self.tls_server_name.as_deref(),
            user: self.user.as_str(),
            certificate: self.certificate_pem.as_str(),
            key: self.key_pem.expose_secret(),
            namespace: self.namespace.as_str(),
        })
    }

    /// Reads back what [`Self::to_json`] wrote.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // The library's error may quote the text, so it is not kept.
        let stored: Stored<String> =
            serde_json::from_slice(json).map_err(|_| Error::ReadTenantKubeconfig)?;
        Ok(Self {
            context: stored.context,
            server: stored.server,
            certificate_authority_pem: stored.certificate_authority,
            tls_server_name: stored.tls_server_name,
            user: stored.user,
            certificate_pem: stored.certificate,
            key_pem: secret(stored.key),
            namespace: stored.namespace,
        })
    }
}
