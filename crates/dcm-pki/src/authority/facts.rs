//! What a certificate says, read strictly: one DER structure per block, and nothing that two readers could
//! understand differently.
#![deny(clippy::indexing_slicing)]

use dcm_types::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_PKCS1_SHA1WITHRSA, OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_EXT_SUBJECT_KEY_IDENTIFIER, Oid,
};
use x509_parser::parse_x509_certificate;
use x509_parser::public_key::PublicKey;

use super::Error;
use crate::{blocks, certificate};

/// Signature algorithms that are too weak to carry trust, in dotted form: MD5 and SHA-1 with RSA, SHA-1
/// with ECDSA and DSA.
const WEAK: [&str; 5] = [
    "1.2.840.113549.1.1.4",
    "1.2.840.113549.1.1.5",
    "1.3.14.3.2.29",
    "1.2.840.10045.4.1",
    "1.2.840.10040.4.3",
];
/// Critical extensions that we understand.
const UNDERSTOOD: [Oid<'static>; 7] = [
    OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
    OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
];
/// Smallest RSA modulus, in bits.
const RSA_MINIMUM: usize = 2048;

/// A certificate, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none excludes another"
)]
pub struct Certificate {
    /// As it is sent.
    pub der: Vec<u8>,
    /// Subject and issuer, as their bytes stand there.
    pub subject: Vec<u8>,
    /// The issuer's subject.
    pub issuer: Vec<u8>,
    /// The subject in words.
    pub subject_text: String,
    /// The number, without leading zeros.
    pub serial: Vec<u8>,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// Whether it is an authority, and how many may follow below it.
    pub authority: Option<Option<u32>>,
    /// Whether the mark of an authority is critical, as it must be.
    pub authority_is_critical: bool,
    /// May sign certificates.
    pub signs_certificates: bool,
    /// May sign lists of revoked ones.
    pub signs_lists: bool,
    /// It is limited to purposes.
    pub has_purposes: bool,
    /// Its own key identifier.
    pub key_identifier: Option<Vec<u8>>,
    /// Its issuer's key identifier.
    pub issuer_key_identifier: Option<Vec<u8>>,
    /// URIs among its alternative names.
    pub uris: Vec<String>,
    /// Alternative names that are no URIs.
    pub other_names: usize,
    /// Its public key (`SubjectPublicKeyInfo`, DER).
    pub public_key: Vec<u8>,
    /// The rule that its strength breaks.
    pub weakness: Option<&'static str>,
    /// A critical extension that we do not know.
    pub unknown_critical: bool,
    /// Names of those it may issue for are constrained.
    pub has_name_constraints: bool,
}

impl Certificate {
    /// Reads one certificate, whole.
    pub fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        match parse_x509_certificate(der) {
            Ok(([], parsed)) => Self::of(der, &parsed),
            _ => Err("must hold X.509 certificates"),
        }
    }

    fn of(der: &[u8], parsed: &X509Certificate<'_>) -> Result<Self, &'static str> {
        let twice = |_| "must have readable extensions, each once";
        parsed.extensions_map().map_err(twice)?;
        if parsed.extensions().iter().any(is_unreadable) {
            return Err("must have readable extensions, each once");
        }
        let constraints = parsed.basic_constraints().map_err(twice)?;
        let usage = parsed.key_usage().map_err(twice)?;
        let names = parsed.subject_alternative_name().map_err(twice)?;
        let names = names
            .map(|found| found.value.general_names.as_slice())
            .unwrap_or_default();
        let uris: Vec<String> = names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            })
            .collect();
        Ok(Self {
            der: der.to_vec(),
            subject: parsed.subject().as_raw().to_vec(),
            issuer: parsed.issuer().as_raw().to_vec(),
            subject_text: parsed.subject().to_string(),
            serial: without_zeros(parsed.raw_serial()),
            not_before: moment(parsed.validity().not_before.timestamp())?,
            not_after: moment(parsed.validity().not_after.timestamp())?,
            authority: constraints
                .as_ref()
                .filter(|found| found.value.ca)
                .map(|found| found.value.path_len_constraint),
            authority_is_critical: constraints.is_some_and(|found| found.critical),
            signs_certificates: usage
                .as_ref()
                .is_some_and(|found| found.value.key_cert_sign()),
            signs_lists: usage.as_ref().is_some_and(|found| found.value.crl_sign()),
            has_purposes: parsed.extended_key_usage().map_err(twice)?.is_some(),
            key_identifier: parsed.extensions().iter().find_map(subject_key_identifier),
            issuer_key_identifier: parsed
                .extensions()
                .iter()
                .find_map(authority_key_identifier),
            other_names: names.len() - uris.len(),
            uris,
            public_key: parsed.public_key().raw.to_vec(),
            weakness: weakness(parsed),
            unknown_critical: parsed
                .extensions()
                .iter()
                .any(|extension| extension.critical && !UNDERSTOOD.contains(&extension.oid)),
            has_name_constraints: parsed.name_constraints().map_err(twice)?.is_some(),
        })
    }

    /// It names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// It is signed by the key of that one.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Ok((_, own)), Ok((_, other))) = (
            parse_x509_certificate(&self.der),
            parse_x509_certificate(&issuer.der),
        ) else {
            return false;
        };
        own.verify_signature(Some(other.public_key())).is_ok()
    }

    /// In PEM, in the one form that we write.
    pub fn to_pem(&self) -> String {
        blocks::write(blocks::CERTIFICATE, &self.der).to_string()
    }
}

/// All certificates of a text, in its order; `what` names the text.
pub fn certificates(pem: &str, what: &'static str) -> Result<Vec<Certificate>, Error> {
    let unreadable = |rule| Error::Unreadable { what, rule };
    let found = blocks::read(pem).map_err(unreadable)?;
    found
        .iter()
        .map(|block| {
            certificate::parse(block).map_err(unreadable)?;
            Certificate::from_der(&block.der).map_err(unreadable)
        })
        .collect()
}

fn without_zeros(serial: &[u8]) -> Vec<u8> {
    serial
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect()
}

fn moment(seconds: i64) -> Result<Timestamp, &'static str> {
    Timestamp::from_second(seconds).map_err(|_| "must have a period that a calendar knows")
}

fn is_unreadable(extension: &X509Extension<'_>) -> bool {
    extension.parsed_extension().error().is_some()
}

fn subject_key_identifier(extension: &X509Extension<'_>) -> Option<Vec<u8>> {
    match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(found) => Some(found.0.to_vec()),
        _ => None,
    }
}

fn authority_key_identifier(extension: &X509Extension<'_>) -> Option<Vec<u8>> {
    match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(found) => {
            found.key_identifier.as_ref().map(|id| id.0.to_vec())
        }
        _ => None,
    }
}

fn weakness(parsed: &X509Certificate<'_>) -> Option<&'static str> {
    let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
    if WEAK.contains(&algorithm.as_str())
        || parsed.signature_algorithm.algorithm == OID_PKCS1_SHA1WITHRSA
    {
        return Some("must not be signed with MD5 or SHA-1");
    }
    match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < RSA_MINIMUM => {
            Some("must have an RSA key of at least 2048 bits")
        }
        Ok(PublicKey::RSA(key)) if key.try_exponent().is_ok_and(|exponent| exponent < 65_537) => {
            Some("must have an RSA key with an exponent of at least 65537")
        }
        Ok(PublicKey::DSA(_)) => Some("must not have a DSA key"),
        Ok(_) => None,
        Err(_) => Some("must have a key of a kind that is known"),
    }
}
