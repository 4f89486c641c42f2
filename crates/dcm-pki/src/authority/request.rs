//! A request for an authority that somebody else signs (PKCS#10).

use rcgen::CertificateParams;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use super::Error;
use super::key::{AuthorityKey, Signer};
use super::profile::Profile;
use crate::blocks;

/// A request, and what its answer is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityRequest {
    /// PKCS#10, PEM.
    pub pem: String,
    /// The subject that is asked for, DER.
    pub subject: Vec<u8>,
}

/// Builds and signs the request for what a profile wants. Its times and its number are the signer's.
pub fn authority_request(profile: &Profile, key: &AuthorityKey) -> Result<AuthorityRequest, Error> {
    let wanted = profile.parameters()?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = wanted.distinguished_name;
    parameters.subject_alt_names = wanted.subject_alt_names;
    parameters.key_usages = wanted.key_usages;
    parameters.is_ca = wanted.is_ca;
    let request = parameters
        .serialize_request(&Signer(key))
        .map_err(Error::Build)?;
    let der: &[u8] = request.der();
    let Ok(([], built)) = X509CertificationRequest::from_der(der) else {
        return Err(Error::Built("is no request"));
    };
    let subject = built.certification_request_info.subject.as_raw().to_vec();
    Ok(AuthorityRequest {
        pem: blocks::write(blocks::REQUEST, der).to_string(),
        subject,
    })
}
