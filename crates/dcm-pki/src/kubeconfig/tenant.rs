//! What a tenant gets for one member: the parts of a kubeconfig. [`super::render()`] writes the file.

use std::fmt;

use dcm_types::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::admin::{secret, secret_json};
use crate::error::Error;

/// How a tenant proves who they are. It has no `Debug`.
#[derive(Clone)]
pub enum TenantAuthentication {
    /// A certificate.
    Certificate {
        /// The certificate, PEM.
        certificate_pem: String,
        /// Its private key, PEM; `None`: only its holder has it.
        key_pem: Option<SecretString>,
    },
    /// A token of a `ServiceAccount`.
    Token(SecretString),
    /// Asked for at each use: the arguments of `dcm`, which is run for it. It is never stored.
    Plugin(Vec<String>),
}

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
    /// How the user proves who they are.
    pub authentication: TenantAuthentication,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default = "Option::default")]
    certificate: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default = "Option::default")]
    key: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default = "Option::default")]
    token: Option<T>,
    namespace: T,
}

impl TenantKubeconfig {
    /// The form in which it is sealed and stored.
    pub fn to_json(&self) -> SecretString {
        let (certificate, key, token) = match &self.authentication {
            TenantAuthentication::Certificate {
                certificate_pem,
                key_pem,
            } => (
                Some(certificate_pem.as_str()),
                key_pem.as_ref().map(SecretString::expose_secret),
                None,
            ),
            TenantAuthentication::Token(token) => (None, None, Some(token.expose_secret())),
            TenantAuthentication::Plugin(_) => (None, None, None),
        };
        secret_json(&Stored {
            context: self.context.as_str(),
            server: self.server.as_str(),
            certificate_authority: self.certificate_authority_pem.as_str(),
            tls_server_name: self.tls_server_name.as_deref(),
            user: self.user.as_str(),
            certificate,
            key,
            token,
            namespace: self.namespace.as_str(),
        })
    }

    /// Reads back what [`Self::to_json`] wrote.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // The library's error may quote the text, so it is not kept.
        let stored: Stored<String> =
            serde_json::from_slice(json).map_err(|_| Error::ReadTenantKubeconfig)?;
        let authentication = match (stored.certificate, stored.key, stored.token) {
            (Some(certificate_pem), key, None) => TenantAuthentication::Certificate {
                certificate_pem,
                key_pem: key.map(secret),
            },
            (None, None, Some(token)) => TenantAuthentication::Token(secret(token)),
            _ => return Err(Error::ReadTenantKubeconfig),
        };
        Ok(Self {
            context: stored.context,
            server: stored.server,
            certificate_authority_pem: stored.certificate_authority,
            tls_server_name: stored.tls_server_name,
            user: stored.user,
            authentication,
            namespace: stored.namespace,
        })
    }

    /// Length of what proves who the user is, in bytes.
    pub(super) fn proof_length(&self) -> usize {
        match &self.authentication {
            TenantAuthentication::Certificate {
                certificate_pem,
                key_pem,
            } => {
                let key = key_pem.as_ref();
                certificate_pem.len() + key.map_or(0, |key| key.expose_secret().len())
            }
            TenantAuthentication::Token(token) => token.expose_secret().len(),
            TenantAuthentication::Plugin(arguments) => {
                // Quoting makes ten characters of one at worst, and each is a line.
                arguments
                    .iter()
                    .map(|argument| 32 + 5 * argument.len())
                    .sum()
            }
        }
    }

    /// The credential alone, as `client.authentication.k8s.io/v1` has it: what a credential plugin gives.
    /// <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>
    pub fn exec_credential(&self, until: Timestamp) -> SecretString {
        let (certificate, key, token) = match &self.authentication {
            TenantAuthentication::Certificate {
                certificate_pem,
                key_pem,
            } => (
                Some(certificate_pem.as_str()),
                key_pem.as_ref().map(SecretString::expose_secret),
                None,
            ),
            TenantAuthentication::Token(token) => (None, None, Some(token.expose_secret())),
            TenantAuthentication::Plugin(_) => (None, None, None),
        };
        secret_json(&ExecCredential {
            api_version: "client.authentication.k8s.io/v1",
            kind: "ExecCredential",
            status: ExecStatus {
                // Whole seconds, as the clients of Kubernetes read times.
                expiration_timestamp: until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                client_certificate_data: certificate,
                client_key_data: key,
                token,
            },
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    api_version: &'static str,
    kind: &'static str,
    status: ExecStatus<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus<'a> {
    expiration_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}
