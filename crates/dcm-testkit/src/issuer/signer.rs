//! A root that signs what it is asked for.

use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, DnValue, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
    SerialNumber, date_time_ymd,
};
use time::{Duration, OffsetDateTime};

use super::Fault;

/// How far back certificates begin.
const SKEW: Duration = Duration::minutes(1);

/// A root with its key.
pub struct Signer {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: String,
}

/// What a certificate shall be, as the call of an issuer says it.
pub(super) struct Wanted {
    pub(super) common_name: String,
    pub(super) organization: Vec<String>,
    pub(super) unit: Vec<String>,
    pub(super) uris: Vec<String>,
    pub(super) path_length: u8,
    pub(super) ends: OffsetDateTime,
}

impl Signer {
    /// A new root, valid for a century.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("the library makes keys");
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.use_authority_key_identifier_extension = true;
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2120, 1, 1);
        let certificate = parameters.self_signed(&key);
        Self {
            certificate: certificate.expect("a root is signed").pem(),
            key: key.serialize_pem(),
            issuer: Issuer::new(parameters, key),
        }
    }

    /// A certificate for a server at this name of the loopback, and its key.
    pub(super) fn server(&self, name: &str) -> Option<(String, String)> {
        let key = KeyPair::generate().ok()?;
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).ok()?;
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2120, 1, 1);
        let certificate = parameters.signed_by(&key, &self.issuer).ok()?;
        Some((certificate.pem(), key.serialize_pem()))
    }

    /// The answer to a request, as a signer gives it that takes what is asked for. `None`: it is no request.
    pub fn answer(&self, request: &str) -> Option<String> {
        let mut parsed = CertificateSigningRequestParams::from_pem(request).ok()?;
        dated(&mut parsed.params, now() + Duration::days(700));
        Some(parsed.signed_by(&self.issuer).ok()?.pem())
    }

    /// The answer of an issuer.
    pub(super) fn sign(
        &self,
        request: &str,
        wanted: &Wanted,
        fault: Option<Fault>,
    ) -> Option<String> {
        let mut parsed = CertificateSigningRequestParams::from_pem(request).ok()?;
        let parameters = &mut parsed.params;
        parameters.distinguished_name = name(wanted, fault)?;
        parameters.subject_alt_names = Vec::new();
        for uri in wanted
            .uris
            .iter()
            .filter(|_| fault != Some(Fault::OtherNames))
        {
            let uri = uri.clone().try_into().ok()?;
            parameters.subject_alt_names.push(SanType::URI(uri));
        }
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.is_ca = match fault {
            Some(Fault::NoAuthority) => IsCa::ExplicitNoCa,
            Some(Fault::NoRoom) => IsCa::Ca(BasicConstraints::Constrained(0)),
            _ => IsCa::Ca(BasicConstraints::Constrained(wanted.path_length)),
        };
        let ends = match fault {
            Some(Fault::TooLong) => wanted.ends + Duration::days(3650),
            Some(Fault::TooShort) => now() + Duration::days(10),
            _ => wanted.ends,
        };
        dated(parameters, ends);
        if fault == Some(Fault::AnotherKey) {
            let key = KeyPair::generate().ok()?;
            return Some(parameters.signed_by(&key, &self.issuer).ok()?.pem());
        }
        Some(parsed.signed_by(&self.issuer).ok()?.pem())
    }
}

fn dated(parameters: &mut CertificateParams, ends: OffsetDateTime) {
    let number = KeyPair::generate().map(|key| key.der_bytes().to_vec());
    let number = number.unwrap_or_default();
    // Random, positive, sixteen bytes.
    let mut number: Vec<u8> = number.into_iter().rev().take(16).collect();
    if let Some(first) = number.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    parameters.serial_number = Some(SerialNumber::from_slice(&number));
    parameters.use_authority_key_identifier_extension = true;
    parameters.not_before = now() - SKEW;
    parameters.not_after = ends;
}

/// The subject, as printable text.
fn name(wanted: &Wanted, fault: Option<Fault>) -> Option<DistinguishedName> {
    let mut name = DistinguishedName::new();
    let common = match fault {
        Some(Fault::AnotherSubject) => "somebody else".to_owned(),
        _ => wanted.common_name.clone(),
    };
    let parts = [
        (DnType::OrganizationName, wanted.organization.as_slice()),
        (DnType::OrganizationalUnitName, wanted.unit.as_slice()),
        (DnType::CommonName, std::slice::from_ref(&common)),
    ];
    for (kind, texts) in parts {
        for text in texts {
            let text = text.as_str().try_into().ok()?;
            name.push(kind.clone(), DnValue::PrintableString(text));
        }
    }
    Some(name)
}

/// In whole seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a server of its own, with the clock of the machine"
)]
pub(super) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::from(SystemTime::now());
    now.replace_nanosecond(0).unwrap_or(now)
}
