//! Certificate requests: the subject is made of typed fields, one common name and nothing else (T21).
#![deny(clippy::indexing_slicing)]

use rcgen::{CertificateParams, DistinguishedName, DnType};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use crate::blocks;
use crate::error::Error;
use crate::key::{Signer, UserKey};

/// Longest common name (X.520 `ub-common-name`).
const COMMON_NAME_LIMIT: usize = 64;

/// Builds and signs a certificate request (PKCS#10, PEM) whose subject is exactly one common name: no
/// organisation, so no group, and no alternative names.
pub fn certificate_request(key: &UserKey, common_name: &str) -> Result<String, Error> {
    if common_name.is_empty() || common_name.len() > COMMON_NAME_LIMIT {
        return Err(Error::CommonName("must have 1 to 64 characters"));
    }
    if !common_name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::CommonName("must be visible ASCII characters"));
    }
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = subject;
    let request = parameters
        .serialize_request(&Signer(key))
        .map_err(Error::BuildRequest)?;
    Ok(blocks::write(blocks::REQUEST, request.der()).to_string())
}

/// What stands in a certificate request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedRequest {
    /// The subject: dotted object identifier and text of each attribute, in order.
    pub subject: Vec<(String, String)>,
    /// The common names among them; ours have exactly one.
    pub common_names: Vec<String>,
    /// The public key (`SubjectPublicKeyInfo`, DER).
    pub public_key_der: Vec<u8>,
    /// Number of attributes (extensions such as alternative names come in them); ours have none.
    pub attributes: usize,
}

/// Reads a certificate request back, to compare it with what was meant. It does not check the
/// signature.
pub fn parse_request(pem: &str) -> Result<ParsedRequest, Error> {
    let found = blocks::read(pem).map_err(Error::ReadRequest)?;
    let [block] = found.as_slice() else {
        return Err(Error::ReadRequest("must hold exactly one PEM block"));
    };
    if block.label != blocks::REQUEST {
        return Err(Error::ReadRequest("must be labelled CERTIFICATE REQUEST"));
    }
    let (rest, request) = X509CertificationRequest::from_der(&block.der)
        .map_err(|_| Error::ReadRequest("must be a PKCS#10 structure"))?;
    if !rest.is_empty() {
        return Err(Error::ReadRequest("must end with the structure"));
    }
    let information = &request.certification_request_info;
    let mut subject = Vec::new();
    let mut common_names = Vec::new();
    for attribute in information.subject.iter_attributes() {
        let text = attribute
            .as_str()
            .map_err(|_| Error::ReadRequest("must have text as subject"))?;
        if *attribute.attr_type() == x509_parser::oid_registry::OID_X509_COMMON_NAME {
            common_names.push(text.to_owned());
        }
        subject.push((attribute.attr_type().to_id_string(), text.to_owned()));
    }
    Ok(ParsedRequest {
        subject,
        common_names,
        public_key_der: information.subject_pki.raw.to_vec(),
        attributes: information.attributes().len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_is_one_common_name_and_nothing_else() {
        let key = UserKey::generate().unwrap();
        let parsed = parse_request(&certificate_request(&key, "dcm:abc").unwrap()).unwrap();
        assert_eq!(
            parsed,
            ParsedRequest {
                subject: vec![("2.5.4.3".to_owned(), "dcm:abc".to_owned())],
                common_names: vec!["dcm:abc".to_owned()],
                public_key_der: key.public_key_der(),
                attributes: 0,
            }
        );
    }

    #[test]
    fn text_never_becomes_another_field() {
        let key = UserKey::generate().unwrap();
        for name in [
            "x,O=system:masters",
            "x/O=system:masters",
            "x+O=system:masters",
        ] {
            let parsed = parse_request(&certificate_request(&key, name).unwrap()).unwrap();
            assert_eq!(parsed.subject, [("2.5.4.3".to_owned(), name.to_owned())]);
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        let key = UserKey::generate().unwrap();
        for name in ["", "a b", "a\nO=x", "a\0", "é", &"x".repeat(65)] {
            assert!(certificate_request(&key, name).is_err(), "{name:?}");
        }
        assert!(certificate_request(&key, &"x".repeat(64)).is_ok());
    }
}
