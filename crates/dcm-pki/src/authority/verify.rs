//! Verification by a second library, as a peer in the mesh does it: a leaf is signed with the authority's key,
//! and its chain must lead to the anchor.

use dcm_types::Timestamp;
use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, SanType, SerialNumber};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy, anchor_from_trusted_cert,
};

use super::facts::Certificate;
use super::issue::Issuer;
use super::key::AuthorityKey;
use super::{Error, profile};

/// From an authority up to what peers trust.
pub struct Chain<'a> {
    /// The authority that signs leaves.
    pub authority: &'a Certificate,
    /// Those between it and the anchors.
    pub between: &'a [Certificate],
    /// What peers trust.
    pub anchors: &'a [Certificate],
    /// Lists of revoked certificates, DER: one of every issuer in the chain, or none at all.
    pub lists: &'a [Vec<u8>],
}

/// Signs a leaf with the authority's key and verifies its chain at a time. The leaf is thrown away.
pub fn verify_chain(chain: &Chain<'_>, key: &AuthorityKey, at: Timestamp) -> Result<(), Error> {
    let leaf = probe(chain, key, at)?;
    let unverified = |error: webpki::Error| Error::Unverified(error.to_string());
    let leaf = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&leaf).map_err(unverified)?;
    let anchors_der: Vec<CertificateDer<'_>> = of(chain.anchors.iter());
    let anchors = anchors_der
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<Vec<_>, _>>()
        .map_err(unverified)?;
    let between = of(std::iter::once(chain.authority).chain(chain.between));
    let lists = chain
        .lists
        .iter()
        .map(|der| {
            let der = CertificateRevocationListDer::from(der.as_slice());
            webpki::OwnedCertRevocationList::from_der(&der).map(Into::into)
        })
        .collect::<Result<Vec<webpki::CertRevocationList<'_>>, _>>()
        .map_err(unverified)?;
    let lists: Vec<_> = lists.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        options
            .with_depth(RevocationCheckDepth::Chain)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &between,
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
        KeyUsage::server_auth(),
        revocation,
        None,
    )
    .map(drop)
    .map_err(unverified)
}

fn of<'a>(certificates: impl Iterator<Item = &'a Certificate>) -> Vec<CertificateDer<'a>> {
    certificates
        .map(|certificate| CertificateDer::from(certificate.der.as_slice()))
        .collect()
}

/// A leaf as the mesh makes them, under the authority, valid around the time.
fn probe(chain: &Chain<'_>, key: &AuthorityKey, at: Timestamp) -> Result<Vec<u8>, Error> {
    let own = KeyPair::generate().map_err(Error::Build)?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.serial_number = Some(SerialNumber::from_slice(&[1]));
    parameters.not_before = profile::moment(at)?;
    parameters.not_after = profile::moment(at)? + time::Duration::MINUTE;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.use_authority_key_identifier_extension = true;
    if let Some(domain) = chain.authority.uris.first() {
        let uri = format!("{domain}/ns/probe/sa/probe");
        parameters.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(Error::Build)?)];
    }
    let issuer = Issuer::new(chain.authority, key)?.rcgen()?;
    let leaf = parameters.signed_by(&own, &issuer).map_err(Error::Build)?;
    Ok(leaf.der().to_vec())
}
