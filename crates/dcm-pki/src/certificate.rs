//! What a cluster's signer answered: accepted only if it is what was asked for (T20, T23).
//!
//! The cluster is hostile: the certificate may be another tenant's, an authority, too large, or no
//! certificate at all. Trust in the chain is not checked here: the cluster that issued it is the only
//! one that will be shown it.
#![deny(clippy::indexing_slicing)]

use dcm_types::Timestamp;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME};
use x509_parser::prelude::FromDer as _;

use crate::blocks::{self, Block};
use crate::error::Error;
use crate::private_key;

/// Longest answer of a signer that is looked at, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// How far the start of a certificate may lie in the future, because clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// From when to when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Its first moment; up to 10 minutes ahead of our clock.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
}

impl Validity {
    /// Whether it has begun by our clock. One that has not is kept and used once it has.
    pub fn has_begun(&self, now: Timestamp) -> bool {
        self.not_before <= now
    }
}

/// Why a certificate is not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The answer is not a PEM certificate.
    #[error("the answer of the signer is not a certificate: it {0}")]
    Unreadable(&'static str),
    /// It is for another key: another request was answered, or another tenant's.
    #[error("the certificate is for another key")]
    PublicKey,
    /// Its common name is not exactly ours.
    #[error("the certificate has another common name")]
    CommonName,
    /// It has an organisation, which Kubernetes reads as a group.
    #[error("the certificate puts its holder into a group")]
    Organization,
    /// Its subject has more than the common name.
    #[error("the certificate has more in its subject than a common name")]
    Subject,
    /// It could sign other certificates.
    #[error("the certificate is a certificate authority")]
    Authority,
    /// It cannot authenticate a client.
    #[error("the certificate is not for client authentication")]
    Usage,
    /// The cluster does not take client certificates of whoever signed it.
    #[error("the certificate is signed by an authority that the cluster takes no clients from")]
    Issuer,
    /// It begins more than 10 minutes from now.
    #[error("the certificate is not valid before {not_before}")]
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
    },
    /// It is over, or ends before it begins.
    #[error("the certificate is not valid after {not_after}")]
    Expired {
        /// When it ended.
        not_after: Timestamp,
    },
}

impl Mismatch {
    /// Stable label for metrics and condition reasons.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "CertificateUnreadable",
            Self::NotYetValid { .. } => "CertificateNotYetValid",
            Self::Expired { .. } => "CertificateExpired",
            Self::PublicKey
            | Self::CommonName
            | Self::Organization
            | Self::Subject
            | Self::Authority
            | Self::Usage
            | Self::Issuer => "CertificateMismatch",
        }
    }
}

/// Checks that the first certificate of an answer is for this key and exactly our common name, has no
/// group, is no authority, may authenticate a client, and is valid now.
pub fn verify_issued(
    certificate_pem: &str,
    public_key_der: &[u8],
    common_name: &str,
    now: Timestamp,
) -> Result<Validity, Mismatch> {
    if certificate_pem.len() > ANSWER_LIMIT {
        return Err(Mismatch::Unreadable("must be at most 64 KiB"));
    }
    let found = blocks::read(certificate_pem).map_err(Mismatch::Unreadable)?;
    let leaf = found
        .first()
        .ok_or(Mismatch::Unreadable("must hold a PEM certificate"))?;
    let leaf = parse(leaf).map_err(Mismatch::Unreadable)?;
    if leaf.public_key().raw != public_key_der {
        return Err(Mismatch::PublicKey);
    }
    check_subject(&leaf, common_name)?;
    check_usage(&leaf)?;
    check_validity(&leaf, now)
}

/// How many certificates may lie between one and an authority.
const CHAIN_LIMIT: usize = 4;

/// Checks that the first certificate of an answer leads to one of these authorities, through the others
/// of the answer if need be. An algorithm that is not known here is no reason to refuse.
pub fn verify_issuer(certificate_pem: &str, authorities_pem: &str) -> Result<(), Mismatch> {
    let answer = blocks::read(certificate_pem).map_err(Mismatch::Unreadable)?;
    let answer: Vec<_> = answer
        .iter()
        .filter_map(|block| parse(block).ok())
        .collect();
    let Some((leaf, between)) = answer.split_first() else {
        return Err(Mismatch::Unreadable("must hold a PEM certificate"));
    };
    // What the cluster tells of itself cannot be read: nothing is known, so nothing is refused.
    let Ok(authorities) = blocks::read(authorities_pem) else {
        return Ok(());
    };
    let authorities: Vec<_> = authorities
        .iter()
        .filter_map(|block| parse(block).ok())
        .collect();
    if authorities.is_empty() || leads_to(leaf, between, &authorities, CHAIN_LIMIT) {
        Ok(())
    } else {
        Err(Mismatch::Issuer)
    }
}

fn leads_to(
    certificate: &X509Certificate<'_>,
    between: &[X509Certificate<'_>],
    authorities: &[X509Certificate<'_>],
    steps: usize,
) -> bool {
    let signs = |issuer: &X509Certificate<'_>| {
        issuer.subject() == certificate.issuer()
            && match certificate.verify_signature(Some(issuer.public_key())) {
                Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => true,
                Err(_) => false,
            }
    };
    authorities.iter().any(signs)
        || (steps > 0
            && between
                .iter()
                .filter(|issuer| signs(issuer))
                .any(|issuer| leads_to(issuer, between, authorities, steps - 1)))
}

/// Whether a certificate (the first of the text) is for the private key, whatever kind it is.
pub fn certificate_key_matches(
    certificate_pem: &str,
    key_pem: &SecretString,
) -> Result<bool, Error> {
    let found = blocks::read(certificate_pem).map_err(Error::ReadCertificate)?;
    let leaf = found
        .first()
        .ok_or(Error::ReadCertificate("must hold a PEM certificate"))?;
    let leaf = parse(leaf).map_err(Error::ReadCertificate)?;
    let (_, public) = private_key::read(key_pem.expose_secret()).map_err(Error::ReadPrivateKey)?;
    Ok(is_for(&leaf, &public))
}

/// The public key of a certificate (the first of the text): `SubjectPublicKeyInfo`, DER.
pub fn certificate_public_key(certificate_pem: &str) -> Option<Vec<u8>> {
    let found = blocks::read(certificate_pem).ok()?;
    let leaf = parse(found.first()?).ok()?;
    Some(leaf.public_key().raw.to_vec())
}

/// Whether a certificate holds these bytes as its public key.
pub(crate) fn is_for(certificate: &X509Certificate<'_>, public: &[u8]) -> bool {
    certificate.public_key().subject_public_key.data == public
}

/// Reads one block as a certificate, whole; the error is a rule that it breaks.
pub(crate) fn parse(block: &Block) -> Result<X509Certificate<'_>, &'static str> {
    if block.label != blocks::CERTIFICATE || block.encrypted {
        return Err("must hold PEM blocks CERTIFICATE only");
    }
    match X509Certificate::from_der(&block.der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err("must hold X.509 certificates"),
    }
}

fn check_subject(leaf: &X509Certificate<'_>, common_name: &str) -> Result<(), Mismatch> {
    let has = |wanted| {
        leaf.subject()
            .iter_attributes()
            .any(|attribute| *attribute.attr_type() == wanted)
    };
    if has(OID_X509_ORGANIZATION_NAME) {
        return Err(Mismatch::Organization);
    }
    let mut attributes = leaf.subject().iter_attributes();
    let first = attributes.next().ok_or(Mismatch::CommonName)?;
    if *first.attr_type() != OID_X509_COMMON_NAME || first.as_str() != Ok(common_name) {
        return Err(Mismatch::CommonName);
    }
    match attributes.next() {
        None => Ok(()),
        Some(_) => Err(Mismatch::Subject),
    }
}

fn check_usage(leaf: &X509Certificate<'_>) -> Result<(), Mismatch> {
    let unreadable = |_| Mismatch::Unreadable("must have readable extensions, each once");
    let constraints = leaf.basic_constraints().map_err(unreadable)?;
    if constraints.is_some_and(|found| found.value.ca) {
        return Err(Mismatch::Authority);
    }
    let usage = leaf.key_usage().map_err(unreadable)?;
    if usage.is_some_and(|found| found.value.key_cert_sign()) {
        return Err(Mismatch::Authority);
    }
    let extended = leaf.extended_key_usage().map_err(unreadable)?;
    if extended.is_some_and(|found| !found.value.client_auth) {
        return Err(Mismatch::Usage);
    }
    Ok(())
}

fn check_validity(leaf: &X509Certificate<'_>, now: Timestamp) -> Result<Validity, Mismatch> {
    let moment = |seconds| {
        Timestamp::from_second(seconds)
            .map_err(|_| Mismatch::Unreadable("must have a period that a calendar knows"))
    };
    let not_before = moment(leaf.validity().not_before.timestamp())?;
    let not_after = moment(leaf.validity().not_after.timestamp())?;
    if not_before.duration_since(now) > SKEW {
        return Err(Mismatch::NotYetValid { not_before });
    }
    if not_after <= now || not_after <= not_before {
        return Err(Mismatch::Expired { not_after });
    }
    Ok(Validity {
        not_before,
        not_after,
    })
}
