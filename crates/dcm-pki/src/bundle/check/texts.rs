//! Whether the files can be read, and by every reader in the same way.

use secrecy::{ExposeSecret as _, SecretString};

use super::rule::{Finding, Rule};
use super::{CERTIFICATE, KEY};
use crate::authority::facts::{self, Certificate};
use crate::authority::{AuthorityKey, Error};
use crate::blocks;

/// Form of a file: no byte order mark, no carriage returns.
pub(super) fn check(name: &'static str, text: &str) -> Option<Finding> {
    let what = if text.starts_with('\u{feff}') {
        "begins with a byte order mark"
    } else if text.contains('\r') {
        "has carriage returns"
    } else {
        return None;
    };
    Some(Finding::new(Rule::NotPlainText, name, what))
}

/// Certificates of a file. A byte order mark is passed over: it was told already.
pub(super) fn certificates(
    text: &str,
    name: &'static str,
    findings: &mut Vec<Finding>,
) -> Vec<Certificate> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match facts::certificates(text, name) {
        Ok(found) => found,
        Err(error) => {
            let rule = match error {
                Error::Unreadable { rule, .. } => rule,
                _ => "cannot be read",
            };
            findings.push(Finding::new(Rule::Unreadable, name, rule));
            Vec::new()
        }
    }
}

/// The signing certificate: the first of its file, and it should be the only one.
pub(super) fn one_certificate(text: &str, findings: &mut Vec<Finding>) -> Option<Certificate> {
    let before = findings.len();
    let found = certificates(text, CERTIFICATE, findings);
    if found.len() > 1 {
        let message = format!("holds {} certificates", found.len());
        findings.push(Finding::new(
            Rule::SeveralCertificates,
            CERTIFICATE,
            message,
        ));
    }
    if found.is_empty() && findings.len() == before {
        let message = "holds no certificate";
        findings.push(Finding::new(Rule::CertificateMissing, CERTIFICATE, message));
    }
    found.into_iter().next()
}

/// The key. It is never quoted.
pub(super) fn key(pem: &SecretString, findings: &mut Vec<Finding>) -> Option<AuthorityKey> {
    let text = pem.expose_secret();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_encrypted = blocks::read(text).is_ok_and(|found| {
        found
            .iter()
            .any(|block| block.encrypted || block.label == "ENCRYPTED PRIVATE KEY")
    });
    if is_encrypted {
        findings.push(Finding::new(Rule::KeyEncrypted, KEY, "is encrypted"));
        return None;
    }
    match AuthorityKey::from_pem(&SecretString::from(text)) {
        Ok(key) => Some(key),
        Err(error) => {
            let rule = match error {
                Error::ReadKey(rule) => rule,
                _ => "cannot be read",
            };
            findings.push(Finding::new(Rule::KeyUnusable, KEY, rule));
            None
        }
    }
}
