//! Authorities of others: a certificate with its key, or the answer to a certificate request. What a certificate
//! must be is judged where it is taken; here only that each text is one.

use std::fmt;

use secrecy::SecretString;
use serde::Serialize;

use dcm_types::Violation;
use dcm_types::ca::{AuthorityScope, ImportAuthority, InstallSigned, PrivateKeyPem};

use super::read;
use crate::object::{Member, Object, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// Longest text of a certificate, a chain or a key, in bytes.
const TEXT_LIMIT: usize = 64 * 1024;
/// Hexadecimal digits of a fingerprint.
const FINGERPRINT: usize = 64;
/// How a PEM block begins.
const BEGIN: &str = "-----BEGIN ";

/// A certificate authority that somebody else made.
#[derive(Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthorityImport {
    /// Its certificate, PEM: one, which may sign certificates and leaves room below it.
    pub certificate: String,
    /// Its private key, PEM, not encrypted: RSA of 2048 bits and more, P-256, P-384 or Ed25519. Never returned.
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub key: String,
    /// Those above it, PEM, its issuer first, up to the one to be trusted; not needed when it signs itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// SHA-256 of the certificate that the chain must lead to, 64 hexadecimal digits; when it is left out, the
    /// last one of the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_fingerprint: Option<String>,
}

impl fmt::Debug for AuthorityImport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("AuthorityImport");
        shown.field("certificate", &self.certificate);
        shown.finish_non_exhaustive()
    }
}

/// The answer to a certificate request.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SignedAuthority {
    /// The certificate, PEM: one, for the key and the names of the request.
    pub certificate: String,
    /// Those above it, PEM, its issuer first, up to the one to be trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// SHA-256 of the certificate that the chain must lead to, 64 hexadecimal digits; when it is left out, the
    /// last one of the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_fingerprint: Option<String>,
}

const IMPORT: &[Member] = &[
    member("certificate"),
    member("key"),
    member("chain"),
    member("anchorFingerprint"),
];
const SIGNED: &[Member] = &[
    member("certificate"),
    member("chain"),
    member("anchorFingerprint"),
];

/// Reads a certificate with its key.
pub fn read_authority_import(
    body: &[u8],
    scope: &AuthorityScope,
    validation: FieldValidation,
) -> Result<Decoded<ImportAuthority>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, IMPORT, report)?;
        let key = body.required("key", one_key);
        let (chain_pem, anchor_fingerprint) = read_chain(&body);
        Some(ImportAuthority {
            scope: scope.clone(),
            chain_pem: chain_pem?,
            key: key?,
            anchor_fingerprint,
        })
    })
}

/// Reads the answer to a certificate request.
pub fn read_signed_authority(
    body: &[u8],
    scope: &AuthorityScope,
    validation: FieldValidation,
) -> Result<Decoded<InstallSigned>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, SIGNED, report)?;
        let (chain_pem, anchor_fingerprint) = read_chain(&body);
        Some(InstallSigned {
            scope: scope.clone(),
            chain_pem: chain_pem?,
            anchor_fingerprint,
        })
    })
}

/// The certificate and those above it in one text, and which of them is to be trusted.
fn read_chain(body: &Object<'_>) -> (Option<String>, Option<String>) {
    let certificate = body.required("certificate", one_certificate);
    let chain = body.parsed("chain", some_certificates);
    let fingerprint = body.parsed("anchorFingerprint", fingerprint);
    let both = certificate.map(|mut text| {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text + chain.as_deref().unwrap_or_default()
    });
    (both, fingerprint)
}

fn one_certificate(text: &str) -> Result<String, Violation> {
    bounded(text)?;
    if text.matches(BEGIN).count() != 1 {
        let rule = "must hold exactly one PEM certificate";
        return Err(Violation::hidden(rule).hint("give those above it as 'chain'"));
    }
    Ok(text.to_owned())
}

fn some_certificates(text: &str) -> Result<String, Violation> {
    bounded(text)?;
    if !text.contains(BEGIN) {
        return Err(Violation::hidden("must hold PEM certificates"));
    }
    Ok(text.to_owned())
}

fn one_key(text: &str) -> Result<PrivateKeyPem, Violation> {
    bounded(text)?;
    if text.trim().is_empty() {
        return Err(Violation::hidden("must hold a PEM private key"));
    }
    Ok(PrivateKeyPem::new(SecretString::from(text)))
}

fn bounded(text: &str) -> Result<(), Violation> {
    if text.len() > TEXT_LIMIT {
        return Err(Violation::hidden("must be at most 64 KiB"));
    }
    Ok(())
}

fn fingerprint(text: &str) -> Result<String, Violation> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    if digits.len() == FINGERPRINT && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_lowercase());
    }
    let rule = "must be 64 hexadecimal digits, colons between them or not";
    let hint = "openssl x509 -noout -fingerprint -sha256";
    Err(Violation::hidden(rule).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_printed() {
        let import = AuthorityImport {
            certificate: String::new(),
            key: "canary".to_owned(),
            chain: None,
            anchor_fingerprint: None,
        };
        assert!(!format!("{import:?}").contains("canary"));
    }

    #[test]
    fn certificate_and_chain_become_one_text() {
        let body = br#"{"certificate": "-----BEGIN A", "chain": "-----BEGIN B"}"#;
        let scope = AuthorityScope::Organization;
        let read = read_signed_authority(body, &scope, FieldValidation::Strict).unwrap();
        assert_eq!(read.draft.chain_pem, "-----BEGIN A\n-----BEGIN B");
    }
}
