//! Certificate requests that clients made, for keys that never leave them: hostile until they were
//! checked here.
#![deny(clippy::indexing_slicing)]

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo};
use x509_parser::public_key::{PublicKey, RSAPublicKey};

use crate::blocks;
use crate::error::Error;
use crate::request::parse_request;

/// Longest text of a request, in bytes.
const TEXT_LIMIT: usize = 16 * 1024;
/// Bits of an RSA key.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The exponents of RSA keys that the servers of Kubernetes take, and no small one.
const RSA_EXPONENTS: std::ops::Range<u64> = 65_537..1 << 31;
/// Tag of a point of a curve that is written in full.
const UNCOMPRESSED: u8 = 4;

const KEY_RULE: &str = "must be for a key of P-256, P-384, Ed25519 or RSA with 2048 to 4096 bits";

/// A request whose holder proved that they have the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// The request in the one form in which it is kept and sent: the signed bytes are the client's.
    pub pem: String,
    /// The subject: dotted object identifier and text of each attribute, in order.
    subject: Vec<(String, String)>,
    /// The public key (`SubjectPublicKeyInfo`, DER).
    pub public_key_der: Vec<u8>,
}

impl ClientRequest {
    /// Whether the subject is exactly this common name and nothing else.
    pub fn is_for(&self, common_name: &str) -> bool {
        matches!(self.subject.as_slice(), [(kind, text)] if kind == COMMON_NAME && text == common_name)
    }
}

/// Object identifier of a common name.
const COMMON_NAME: &str = "2.5.4.3";

/// Checks the text of a client's request: one PKCS#10 structure without attributes (a cluster would put
/// names that stand in them into the certificate), for a key that is strong enough, signed with it.
pub fn check_request(text: &str) -> Result<ClientRequest, &'static str> {
    if text.len() > TEXT_LIMIT {
        return Err("must be at most 16 KiB");
    }
    let parsed = parse_request(text).map_err(|error| match error {
        Error::ReadRequest(rule) => rule,
        _ => "must be a PKCS#10 structure",
    })?;
    if parsed.attributes > 0 {
        return Err("must have no attributes and no extensions, such as alternative names");
    }
    let found = blocks::read(text)?;
    let block = found.first().ok_or("must hold exactly one PEM block")?;
    let (_, request) = X509CertificationRequest::from_der(&block.der)
        .map_err(|_| "must be a PKCS#10 structure")?;
    check_key(&request.certification_request_info.subject_pki)?;
    let digests = [
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
        OID_SIG_ED25519,
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
    ];
    if !digests.contains(&request.signature_algorithm.algorithm) {
        return Err("must be signed with SHA-256, SHA-384 or SHA-512");
    }
    request
        .verify_signature()
        .map_err(|_| "must be signed with the key that it is for")?;
    Ok(ClientRequest {
        pem: blocks::write(blocks::REQUEST, &block.der).to_string(),
        subject: parsed.subject,
        public_key_der: parsed.public_key_der,
    })
}

fn check_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), &'static str> {
    let kind = &key.algorithm.algorithm;
    let fits = if *kind == OID_SIG_ED25519 {
        key.subject_public_key.data.len() == 32
    } else {
        match key.parsed() {
            Ok(PublicKey::EC(_)) if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY => {
                let parameters = key.algorithm.parameters.as_ref();
                let curve = parameters.and_then(|found| found.as_oid().ok());
                let known =
                    curve.is_some_and(|curve| curve == OID_EC_P256 || curve == OID_NIST_EC_P384);
                known && key.subject_public_key.data.first() == Some(&UNCOMPRESSED)
            }
            Ok(PublicKey::RSA(rsa)) if *kind == OID_PKCS1_RSAENCRYPTION => is_strong(&rsa),
            _ => false,
        }
    };
    if fits { Ok(()) } else { Err(KEY_RULE) }
}

fn is_strong(key: &RSAPublicKey<'_>) -> bool {
    let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
    let bits = match key.modulus.get(zeros) {
        Some(first) => 8 * (key.modulus.len() - zeros) - first.leading_zeros() as usize,
        None => 0,
    };
    let exponent = key.try_exponent().unwrap_or_default();
    RSA_BITS.contains(&bits) && RSA_EXPONENTS.contains(&exponent) && exponent % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UserKey, certificate_request};

    #[test]
    fn a_request_is_kept_in_one_form_with_the_bytes_that_were_signed() {
        let key = UserKey::generate().unwrap();
        let pem = certificate_request(&key, "dcm:abc").unwrap();
        let around = format!("text before\r\n{}", pem.replace('\n', "\r\n"));
        let checked = check_request(&around).unwrap();
        assert_eq!(checked.pem, pem);
        assert_eq!(checked.public_key_der, key.public_key_der());
        assert!(checked.is_for("dcm:abc"));
        assert!(!checked.is_for("dcm:abcd") && !checked.is_for(""));
    }

    #[test]
    fn what_is_no_request_of_somebody_who_has_the_key_is_refused() {
        let key = UserKey::generate().unwrap();
        let pem = certificate_request(&key, "dcm:abc").unwrap();
        let der = blocks::read(&pem).unwrap().remove(0).der;
        // The last byte is of the signature, and `abc` of the signed subject.
        let mut broken = der.to_vec();
        *broken.last_mut().unwrap() ^= 1;
        let mut renamed = der.to_vec();
        let at = renamed
            .windows(3)
            .position(|found| found == b"abc")
            .unwrap();
        *renamed.get_mut(at).unwrap() = b'x';
        let mut longer = der.to_vec();
        longer.push(0);
        let text = |der: &[u8]| blocks::write(blocks::REQUEST, der).to_string();
        let rows = [
            (String::new(), "exactly one PEM block"),
            (format!("{pem}{pem}"), "exactly one PEM block"),
            (
                pem.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
                "labelled",
            ),
            (text(b"x"), "PKCS#10"),
            (text(&longer), "end with the structure"),
            (text(&broken), "signed with the key"),
            (text(&renamed), "signed with the key"),
            ("x".repeat(TEXT_LIMIT + 1), "16 KiB"),
        ];
        for (row, rule) in rows {
            let refused = check_request(&row).unwrap_err();
            assert!(refused.contains(rule), "{refused}: {row:.80}");
        }
    }
}
