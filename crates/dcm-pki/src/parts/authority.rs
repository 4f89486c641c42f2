//! The authority of the parts: made once, kept by the operator, and needed only when a certificate is issued.

use dcm_types::{KeyAlgorithm, Timestamp};
use jiff::SignedDuration;
use secrecy::SecretString;

use crate::authority::{
    AuthorityKey, Certificate, Error, Issuer, Level, Profile, Serial, Subject, certificates,
    self_sign,
};

/// How long it is valid: its end means new files on every host.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);

/// An authority with its key. It signs certificates of processes and no other authority.
pub struct PartsAuthority {
    certificate: Certificate,
    key: AuthorityKey,
}

impl PartsAuthority {
    /// Makes a new one.
    pub fn make(now: Timestamp, serial: Serial) -> Result<Self, Error> {
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384)?;
        let profile = Profile {
            level: Level::Edge,
            subject: Subject {
                organization: "DCM".to_owned(),
                unit: None,
                // With its number: a later authority has another subject.
                common_name: format!("DCM parts {}", short(&serial)),
            },
            serial,
            trust_domain: None,
            constrained: false,
            now,
            not_after: now.saturating_add(LIFE).unwrap_or(Timestamp::MAX),
        };
        let certificate = self_sign(&profile, &key)?.certificate;
        Ok(Self { certificate, key })
    }

    /// Reads one: its certificate and its key, in PEM.
    pub fn read(certificate_pem: &str, key_pem: &SecretString) -> Result<Self, Error> {
        let what = "the certificate of the authority";
        let found = certificates(certificate_pem, what)?;
        let [certificate] = <[Certificate; 1]>::try_from(found).map_err(|_| Error::Unreadable {
            what,
            rule: "must be one certificate",
        })?;
        let key = AuthorityKey::from_pem(key_pem)?;
        Issuer::new(&certificate, &key)?;
        Ok(Self { certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its key, for a file that only the operator reads.
    pub fn key_pem(&self) -> SecretString {
        self.key.to_pem()
    }

    pub(super) fn issuer(&self) -> Result<Issuer<'_>, Error> {
        Issuer::new(&self.certificate, &self.key)
    }
}

/// The first bytes, hex.
fn short(serial: &Serial) -> String {
    match serial.bytes() {
        [a, b, c, d, ..] => format!("{a:02x}{b:02x}{c:02x}{d:02x}"),
        _ => String::new(),
    }
}
