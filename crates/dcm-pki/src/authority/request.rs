//! A request for an authority that somebody else signs (PKCS#10).

use rcgen::CertificateParams;

use super::Error;
use super::key::{AuthorityKey, Signer};
use super::profile::Profile;
use crate::blocks;

/// Builds and signs the request for what a profile wants, in PEM. Its times and its number are the signer's.
pub fn authority_request(profile: &Profile, key: &AuthorityKey) -> Result<String, Error> {
    let wanted = profile.parameters()?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = wanted.distinguished_name;
    parameters.subject_alt_names = wanted.subject_alt_names;
    parameters.key_usages = wanted.key_usages;
    parameters.is_ca = wanted.is_ca;
    let request = parameters
        .serialize_request(&Signer(key))
        .map_err(Error::Build)?;
    Ok(blocks::write(blocks::REQUEST, request.der()).to_string())
}
