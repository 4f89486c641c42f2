//! `--client-key`: the key of a user who keeps it, put into what comes from the server. It never goes there.

use std::path::{Path, PathBuf};

use clap::Args;
use dcm_pki::{certificate_key_matches, kubeconfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::error::Error;
use crate::file;

/// Where a user keeps their key.
#[derive(Debug, Args)]
pub(super) struct ClientKeyArguments {
    /// The private key of a user who keeps it (type signing-request), PEM; it is not sent
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
}

impl ClientKeyArguments {
    pub(super) fn path(&self) -> Option<&Path> {
        self.client_key.as_deref()
    }
}

fn read(path: &Path) -> Result<SecretString, Error> {
    file::read_text(path).map(SecretString::from)
}

/// A kubeconfig with the key in it.
pub(super) fn into_kubeconfig(text: &str, path: &Path) -> Result<SecretString, Error> {
    let key = read(path)?;
    kubeconfig::with_key(text, &key).map_err(|source| Error::ClientKey {
        path: path.to_owned(),
        source,
    })
}

/// A kubeconfig that names `dcm credential`, with the place of the key among its arguments.
pub(super) fn into_plugin(text: &str, path: &Path) -> Result<String, Error> {
    let path = std::path::absolute(path).map_err(|source| Error::ReadFile {
        path: path.to_owned(),
        source,
    })?;
    // JSON's form of a text is one of YAML's.
    let quoted = serde_json::to_string(&path.to_string_lossy()).map_err(Error::Encode)?;
    let command = "        - \"credential\"\n";
    let named = format!("{command}        - \"--client-key\"\n        - {quoted}\n");
    Ok(text.replace(command, &named))
}

/// A credential as a plugin gives it, with the key that it needs.
pub(super) fn into_credential(credential: &mut Value, path: Option<&Path>) -> Result<(), Error> {
    let status = &mut credential["status"];
    let Some(certificate) = status["clientCertificateData"].as_str() else {
        return Ok(());
    };
    if status["clientKeyData"].is_string() {
        return Ok(());
    }
    let path = path.ok_or(Error::KeyIsKept)?;
    let key = read(path)?;
    let failed = |source| Error::ClientKey {
        path: path.to_owned(),
        source,
    };
    if !certificate_key_matches(certificate, &key).map_err(failed)? {
        return Err(failed(dcm_pki::Error::KeyOfAnother));
    }
    status["clientKeyData"] = key.expose_secret().into();
    Ok(())
}
