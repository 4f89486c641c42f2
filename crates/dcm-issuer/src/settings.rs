//! What the operator decided about the issuer, and what lies in the files that they named.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dcm_ca::SigningBackend;
use dcm_pki::Provisioner;
use dcm_pki::authority::{Certificate, certificates};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use secrecy::SecretString;

use crate::connection::Connection;
use crate::step_ca::StepCa;
use crate::vault::Vault;

/// Largest file that is read.
const FILE_LIMIT: u64 = 64 * 1024;

/// Which issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Vault or `OpenBao`.
    Vault {
        /// The mount of its PKI engine.
        mount: String,
        /// The file with a token that may sign intermediates there.
        token_file: PathBuf,
    },
    /// step-ca.
    StepCa {
        /// The name of a JWK provisioner.
        provisioner: String,
        /// The file with its key, P-256 in PEM.
        key_file: PathBuf,
    },
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which issuer.
    pub kind: Kind,
    /// Its address, with `https://`.
    pub url: String,
    /// The file with the authorities by which its server is recognised, PEM.
    pub ca_file: PathBuf,
    /// The file with the one certificate that everything it signs must lead to, PEM.
    pub anchor_file: PathBuf,
    /// Longest time for a call.
    pub timeout: Duration,
}

/// Why an issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("read '{}'", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("'{}' {rule}", path.display())]
    Holds {
        /// The file.
        path: PathBuf,
        /// The rule that it breaks.
        rule: String,
    },
    /// The address cannot be used.
    #[error("the address of the issuer must be https:// with a host, without query or user")]
    Address,
    /// The library refused.
    #[error("prepare TLS for the issuer")]
    Tls(#[source] rustls::Error),
}

/// An issuer, and the certificate that everything it signs must lead to.
pub fn open(settings: &Settings) -> Result<(Arc<dyn SigningBackend>, Certificate), Error> {
    let anchor = read_one(&settings.anchor_file)?;
    let connection = Connection::new(&settings.url, tls(&settings.ca_file)?, settings.timeout);
    let connection = connection.ok_or(Error::Address)?;
    let backend: Arc<dyn SigningBackend> = match &settings.kind {
        Kind::Vault { mount, token_file } => {
            // Read for each call; that it cannot be read is told at the start already.
            read_secret(token_file)?;
            Arc::new(Vault {
                connection,
                mount: mount.trim_matches('/').to_owned(),
                token_file: token_file.clone(),
            })
        }
        Kind::StepCa {
            provisioner,
            key_file,
        } => Arc::new(StepCa {
            connection,
            provisioner: provisioner.clone(),
            key: Provisioner::from_pem(&read_secret(key_file)?)
                .map_err(|rule| holds(key_file, rule))?,
        }),
    };
    Ok((backend, anchor))
}

fn tls(ca_file: &Path) -> Result<Arc<rustls::ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in read_all(ca_file)? {
        let added = roots.add(CertificateDer::from(authority.der));
        added.map_err(|_| holds(ca_file, "must hold certificates of authorities"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?;
    let tls = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(tls))
}

fn read_all(path: &Path) -> Result<Vec<Certificate>, Error> {
    let text = read(path)?;
    let found = certificates(&text, "it").map_err(|error| holds(path, &error.to_string()))?;
    if found.is_empty() {
        return Err(holds(path, "must hold a PEM certificate"));
    }
    Ok(found)
}

fn read_one(path: &Path) -> Result<Certificate, Error> {
    let mut found = read_all(path)?.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(holds(path, "must hold exactly one PEM certificate")),
    }
}

/// A secret, without the line break at its end.
pub(crate) fn read_secret(path: &Path) -> Result<SecretString, Error> {
    let text = SecretString::from(read(path)?);
    let trimmed = secrecy::ExposeSecret::expose_secret(&text).trim();
    if trimmed.is_empty() {
        return Err(holds(path, "must not be empty"));
    }
    Ok(SecretString::from(trimmed))
}

fn read(path: &Path) -> Result<String, Error> {
    let text = || -> io::Result<String> {
        // As long as may be at once, so that no copy of a secret is left behind by growing.
        let mut text = String::with_capacity(usize::try_from(FILE_LIMIT).unwrap_or_default() + 1);
        File::open(path)?
            .take(FILE_LIMIT + 1)
            .read_to_string(&mut text)?;
        if text.len() as u64 > FILE_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "larger than 64 KiB",
            ));
        }
        Ok(text)
    };
    text().map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

fn holds(path: &Path, rule: &str) -> Error {
    Error::Holds {
        path: path.to_owned(),
        rule: rule.to_owned(),
    }
}
