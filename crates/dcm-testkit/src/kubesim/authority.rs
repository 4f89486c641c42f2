//! The certificate authority of an API server: its own certificate, those of users, and what the signer signs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::Timestamp;
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::message::{AUTHENTICATED, User};

/// How far a certificate begins before now, for clocks that go wrong.
const BACKDATE: Duration = Duration::from_mins(5);
/// Life of a certificate whose request does not say.
const LIFE: Duration = Duration::from_hours(24 * 365);
/// Life of the authority itself.
const LONG: Duration = Duration::from_hours(24 * 365 * 10);

/// A certificate authority with its key.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    verifier: Arc<dyn ClientCertVerifier>,
    /// Certificates that were found good at some second: callers ask again and again.
    known: Mutex<BTreeMap<Vec<u8>, (u64, User)>>,
}

/// A certificate with its key, both PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Why no authority can be made; it does not happen.
#[derive(Debug, thiserror::Error)]
#[error("a simulated certificate authority cannot be made: {0}")]
pub struct Error(String);

impl Authority {
    /// A new one. Many servers may share it.
    pub fn create(name: &str, now: Timestamp) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error(error.to_string());
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        parameters.not_before = date(now, -i64::from(24 * 3600));
        parameters.not_after = date(now, seconds(LONG));
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let issuer =
            CertifiedIssuer::self_signed(parameters, key).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        roots
            .add(issuer.der().clone())
            .map_err(|error| failed(&error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self {
            issuer,
            verifier,
            known: Mutex::default(),
        })
    }

    /// Its certificate, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    fn sign(
        &self,
        mut parameters: CertificateParams,
        now: Timestamp,
        life: Duration,
    ) -> Option<Pair> {
        parameters.not_before = date(now, -seconds(BACKDATE));
        parameters.not_after = date(now, seconds(life));
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().ok()?;
        let certificate = parameters.signed_by(&key, &self.issuer).ok()?;
        Some(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The certificate of a server under a name, `127.0.0.1` and `localhost`.
    pub(super) fn server(&self, name: &str, now: Timestamp, life: Duration) -> Option<Pair> {
        let names = [name, "127.0.0.1", "localhost", "kubernetes.default.svc"];
        let mut parameters = CertificateParams::new(names.map(str::to_owned)).ok()?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(parameters, now, life)
    }

    /// A client certificate of a user in some groups.
    pub(super) fn client(
        &self,
        user: &str,
        groups: &[&str],
        now: Timestamp,
        life: Duration,
    ) -> Option<Pair> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, user);
        for group in groups {
            parameters
                .distinguished_name
                .push(DnType::OrganizationName, *group);
        }
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(parameters, now, life)
    }

    /// Signs what stands in the spec of a request; for another key than asked for, if so wished. PEM.
    pub(super) fn sign_request(
        &self,
        spec: &Value,
        now: Timestamp,
        other_key: bool,
    ) -> Option<String> {
        let bytes = STANDARD.decode(spec["request"].as_str()?).ok()?;
        let mut request =
            CertificateSigningRequestParams::from_pem(std::str::from_utf8(&bytes).ok()?).ok()?;
        let life = spec["expirationSeconds"]
            .as_u64()
            .map_or(LIFE, Duration::from_secs);
        request.params.not_before = date(now, -seconds(BACKDATE));
        request.params.not_after = date(now, seconds(life));
        request.params.use_authority_key_identifier_extension = true;
        request.params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if other_key {
            return Some(self.sign(request.params, now, life)?.certificate);
        }
        Some(request.signed_by(&self.issuer).ok()?.pem())
    }

    /// The user of a client certificate that is ours and valid now.
    pub(super) fn authenticate(
        &self,
        certificate: &CertificateDer<'_>,
        now: Timestamp,
    ) -> Option<User> {
        let second = u64::try_from(now.as_second()).ok()?;
        if let Some((at, user)) = self.known.lock().get(certificate.as_ref())
            && *at == second
        {
            return Some(user.clone());
        }
        let user = self.verify(certificate, second)?;
        let known = (second, user.clone());
        self.known.lock().insert(certificate.to_vec(), known);
        Some(user)
    }

    fn verify(&self, certificate: &CertificateDer<'_>, second: u64) -> Option<User> {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(second));
        self.verifier
            .verify_client_cert(certificate, &[], time)
            .ok()?;
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let subject = parsed.subject();
        let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
        let groups = subject
            .iter_organization()
            .filter_map(|group| group.as_str().ok());
        let mut user = User {
            name,
            groups: groups.chain([AUTHENTICATED]).map(str::to_owned).collect(),
            ..User::default()
        };
        let fingerprint = hex::encode(Sha256::digest(certificate));
        user.extra.insert(
            "authentication.kubernetes.io/credential-id".to_owned(),
            serde_json::json!([format!("X509SHA256={fingerprint}")]),
        );
        Some(user)
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A date for a certificate: some seconds from now.
fn date(now: Timestamp, offset: i64) -> time_of_certificates::Date {
    let since_epoch = u64::try_from(now.as_second() + offset).unwrap_or(0);
    date_time_ymd(1970, 1, 1) + Duration::from_secs(since_epoch)
}

/// The type of dates in certificates, which its crate does not export under a name.
mod time_of_certificates {
    pub(super) type Date = time::OffsetDateTime;
}
