//! The certificate of a process: which parts run in it, and under which addresses it is called.

use std::net::IpAddr;

use dcm_types::{KeyAlgorithm, Part, Parts, Timestamp, Violation};
use jiff::SignedDuration;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use secrecy::SecretString;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{PART_URI, PartsAuthority};
use crate::authority::key::Signer;
use crate::authority::{AuthorityKey, Certificate, Error, Serial, profile};

/// How far back it begins, for hosts whose clocks are behind.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Most addresses of one process.
const ADDRESSES: usize = 32;

/// Under what a process is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A name (RFC 1123), in lower case.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

impl Address {
    /// Reads a DNS name or an IP address.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let rule = "must be a DNS name in lower case (RFC 1123) or an IP address";
        let is_label = |label: &str| {
            let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(inside)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // What is all digits would be read as an address by others.
        let numeric = text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if text.len() > 253 || numeric || !text.split('.').all(is_label) {
            return Err(Violation::new(rule, text));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

/// What a certificate is asked to say.
#[derive(Debug, Clone)]
pub struct IdentityRequest {
    /// The parts that run in the process; at least one.
    pub parts: Parts,
    /// Under what others call it; empty when nobody does.
    pub addresses: Vec<Address>,
    /// Its number.
    pub serial: Serial,
    /// Now.
    pub now: Timestamp,
    /// Its end; not after its issuer's.
    pub not_after: Timestamp,
}

/// A process: its certificate and its key.
pub struct Identity {
    /// The certificate.
    pub certificate: Certificate,
    key: AuthorityKey,
}

impl Identity {
    /// Makes a key and issues its certificate: built, read back, compared, and verified by a second library as a
    /// server's and as a client's.
    pub fn issue(authority: &PartsAuthority, request: &IdentityRequest) -> Result<Self, Error> {
        let issuer = authority.issuer()?;
        let parent = issuer.certificate();
        let asked = |rule: &str| Err(Error::Asked(rule.to_owned()));
        if request.parts.is_empty() {
            return asked("must name a part");
        }
        if request.addresses.len() > ADDRESSES {
            return asked("must have at most 32 addresses");
        }
        if request.not_after <= request.now || request.not_after > parent.not_after {
            return asked("must end in the future, and not after its issuer");
        }
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP256)?;
        let parameters = parameters(request)?;
        let built = parameters
            .signed_by(&Signer(&key), &issuer.rcgen()?)
            .map_err(Error::Build)?;
        let certificate = Certificate::from_der(built.der()).map_err(Error::Built)?;
        compare(&certificate, request, &key, parent)?;
        for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
            verify(&certificate, parent, usage, request.now)?;
        }
        Ok(Self { certificate, key })
    }

    /// Its key in PKCS#8 PEM, for the one file that the process reads.
    pub fn key_pem(&self) -> SecretString {
        self.key.to_pem()
    }
}

/// The parts that a certificate (DER) names. It must have been verified: anybody can write names.
pub fn parts_of(certificate: &[u8]) -> Result<Parts, &'static str> {
    let certificate = Certificate::from_der(certificate)?;
    let named = certificate.uris.iter();
    let parts: Parts = named
        .filter_map(|uri| Part::parse(uri.strip_prefix(PART_URI)?).ok())
        .collect();
    if parts.is_empty() {
        return Err("must name a part of the product that we know");
    }
    Ok(parts)
}

fn parameters(request: &IdentityRequest) -> Result<CertificateParams, Error> {
    let mut parameters = CertificateParams::default();
    let begin = begin(request);
    parameters.not_before = profile::moment(begin)?;
    parameters.not_after = profile::moment(request.not_after)?;
    parameters.serial_number = Some(SerialNumber::from_slice(request.serial.bytes()));
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    parameters.use_authority_key_identifier_extension = true;
    let parts: Vec<&str> = request.parts.iter().map(|part| part.as_str()).collect();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "DCM");
    name.push(DnType::CommonName, parts.join(" "));
    parameters.distinguished_name = name;
    for uri in uris(&request.parts) {
        let uri = uri.try_into().map_err(Error::Build)?;
        parameters.subject_alt_names.push(SanType::URI(uri));
    }
    for address in &request.addresses {
        parameters.subject_alt_names.push(match address {
            Address::Ip(address) => SanType::IpAddress(*address),
            Address::Name(name) => SanType::DnsName(name.clone().try_into().map_err(Error::Build)?),
        });
    }
    Ok(parameters)
}

fn begin(request: &IdentityRequest) -> Timestamp {
    profile::whole_seconds(request.now)
        .saturating_sub(SKEW)
        .unwrap_or(Timestamp::MIN)
}

fn uris(parts: &Parts) -> Vec<String> {
    parts
        .iter()
        .map(|part| format!("{PART_URI}{}", part.as_str()))
        .collect()
}

fn compare(
    found: &Certificate,
    request: &IdentityRequest,
    key: &AuthorityKey,
    parent: &Certificate,
) -> Result<(), Error> {
    let checks = [
        (found.public_key == key.public_key_der(), "has another key"),
        (found.serial == request.serial.bytes(), "has another number"),
        (found.not_before == begin(request), "begins at another time"),
        (
            found.not_after == profile::whole_seconds(request.not_after),
            "ends at another time",
        ),
        (found.authority.is_none(), "is an authority"),
        (!found.signs_certificates, "may sign"),
        (found.has_purposes, "is not limited to purposes"),
        (found.uris == uris(&request.parts), "names other parts"),
        (
            found.other_names == request.addresses.len(),
            "has other addresses",
        ),
        (found.issuer == parent.subject, "names another issuer"),
        (found.is_signed_by(parent), "is not signed by its issuer"),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, difference)) => Err(Error::Built(difference)),
    }
}

fn verify(
    certificate: &Certificate,
    anchor: &Certificate,
    usage: KeyUsage,
    now: Timestamp,
) -> Result<(), Error> {
    let unverified = |error: webpki::Error| Error::Unverified(error.to_string());
    let der = CertificateDer::from(certificate.der.as_slice());
    let leaf = EndEntityCert::try_from(&der).map_err(unverified)?;
    let anchor = CertificateDer::from(anchor.der.as_slice());
    let anchor = anchor_from_trusted_cert(&anchor).map_err(unverified)?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &[],
        at,
        usage,
        None,
        None,
    )
    .map(drop)
    .map_err(unverified)
}
