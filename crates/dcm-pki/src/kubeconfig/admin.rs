//! An administrator's credential of one cluster: what is left of an uploaded kubeconfig.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::server::{Host, Server};
use crate::error::Error;

/// How the administrator authenticates.
#[derive(Clone)]
pub enum Authentication {
    /// By a client certificate.
    ClientCertificate {
        /// Certificate chain, leaf first, PEM.
        certificate_pem: String,
        /// Its private key, PEM (PKCS#8, PKCS#1 or SEC 1), unencrypted.
        key_pem: SecretString,
    },
    /// By a bearer token.
    Token(SecretString),
}

impl fmt::Debug for Authentication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ClientCertificate { .. } => "ClientCertificate",
            Self::Token(_) => "Token",
        })
    }
}

/// Everything that is known about how to reach a registered cluster. It can only be made by
/// [`super::parse`], or read back from its sealed form.
#[derive(Clone)]
pub struct AdminCredential {
    /// Where the API server is.
    pub server: Server,
    /// The authorities that the server is authenticated by, PEM, at least one.
    pub certificate_authority_pem: String,
    /// The name in the server's certificate, when it is not the host: a DNS name or an address.
    pub tls_server_name: Option<String>,
    /// How we authenticate.
    pub authentication: Authentication,
}

impl fmt::Debug for AdminCredential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AdminCredential")
            .field("server", &self.server)
            .field("tls_server_name", &self.tls_server_name)
            .field("authentication", &self.authentication)
            .finish_non_exhaustive()
    }
}

/// The stored form. Its texts are borrowed when it is written, so that no copy is left behind.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<T> {
    host: T,
    port: u16,
    certificate_authority: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default = "Option::default")]
    tls_server_name: Option<T>,
    authentication: StoredAuthentication<T>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum StoredAuthentication<T> {
    ClientCertificate { certificate: T, key: T },
    Token(T),
}

impl AdminCredential {
    /// The form in which it is sealed and stored: JSON of our own, not the uploaded file.
    pub fn to_json(&self) -> SecretString {
        let host = self.server.host.to_string();
        let authentication = match &self.authentication {
            Authentication::ClientCertificate {
                certificate_pem,
                key_pem,
            } => StoredAuthentication::ClientCertificate {
                certificate: certificate_pem.as_str(),
                key: key_pem.expose_secret(),
            },
            Authentication::Token(token) => StoredAuthentication::Token(token.expose_secret()),
        };
        secret_json(&Stored {
            host: host.as_str(),
            port: self.server.port,
            certificate_authority: self.certificate_authority_pem.as_str(),
            tls_server_name: self.tls_server_name.as_deref(),
            authentication,
        })
    }

    /// Reads back what [`Self::to_json`] wrote.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // The library's error may quote the text, so it is not kept.
        let stored: Stored<String> =
            serde_json::from_slice(json).map_err(|_| Error::ReadCredential)?;
        let authentication = match stored.authentication {
            StoredAuthentication::ClientCertificate { certificate, key } => {
                Authentication::ClientCertificate {
                    certificate_pem: certificate,
                    key_pem: secret(key),
                }
            }
            StoredAuthentication::Token(token) => Authentication::Token(secret(token)),
        };
        let host = Host::parse(&stored.host).map_err(|_| Error::ReadCredential)?;
        Ok(Self {
            server: Server {
                host,
                port: stored.port,
            },
            certificate_authority_pem: stored.certificate_authority,
            tls_server_name: stored.tls_server_name,
            authentication,
        })
    }
}

/// A secret out of a text, which is wiped.
pub(super) fn secret(mut text: String) -> SecretString {
    let secret = SecretString::from(text.as_str());
    text.zeroize();
    secret
}

/// Writes JSON into memory that is wiped and never moved.
pub(super) fn secret_json(value: &impl Serialize) -> SecretString {
    /// Measures without keeping anything.
    struct Length(usize);

    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    const WHY: &str = "plain structs of texts always become JSON, and memory takes every write";
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).expect(WHY);
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, value).expect(WHY);
    SecretString::from(std::str::from_utf8(&json).expect("JSON is UTF-8"))
}
