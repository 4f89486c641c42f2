//! The key of a user who keeps it, put into the kubeconfig where its holder is, and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::certificate::certificate_key_matches;
use crate::error::Error;

const CERTIFICATE: &str = "      client-certificate-data: \"";
const KEY: &str = "      client-key-data: \"";

/// Whether a kubeconfig that [`super::render()`] wrote has a certificate without a key.
pub fn lacks_key(kubeconfig: &str) -> bool {
    let mut lines = kubeconfig.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(CERTIFICATE) && !lines.peek().is_some_and(|next| next.starts_with(KEY))
        {
            return true;
        }
    }
    false
}

/// A kubeconfig that [`super::render()`] wrote, with this key beside each certificate that has none; it must
/// be the key of all of them.
pub fn with_key(kubeconfig: &str, key_pem: &SecretString) -> Result<SecretString, Error> {
    if !lacks_key(kubeconfig) {
        return Err(Error::KeyNotMissing);
    }
    let encoded = Zeroizing::new(STANDARD.encode(key_pem.expose_secret()));
    let certificates = kubeconfig.matches(CERTIFICATE).count();
    let added = certificates * (KEY.len() + encoded.len() + 2);
    // Never grows, so that no copy of a key is left behind.
    let mut text = Zeroizing::new(String::with_capacity(kubeconfig.len() + 1 + added));
    let mut lines = kubeconfig.lines().peekable();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let Some(certificate) = line.strip_prefix(CERTIFICATE) else {
            continue;
        };
        if lines.peek().is_some_and(|next| next.starts_with(KEY)) {
            continue;
        }
        check(certificate.trim_end_matches('"'), key_pem)?;
        for part in [KEY, &encoded, "\"\n"] {
            text.push_str(part);
        }
    }
    Ok(SecretString::from(text.as_str()))
}

fn check(certificate: &str, key_pem: &SecretString) -> Result<(), Error> {
    let unreadable = Error::ReadCertificate("must be PEM in base64");
    let pem = STANDARD.decode(certificate).ok();
    let pem = pem.and_then(|bytes| String::from_utf8(bytes).ok());
    if certificate_key_matches(&pem.ok_or(unreadable)?, key_pem)? {
        Ok(())
    } else {
        Err(Error::KeyOfAnother)
    }
}
