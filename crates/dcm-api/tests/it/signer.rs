//! Somebody else's authority: certificates with their keys to import, good and bad, and answers to requests.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CustomExtension,
    DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};

use crate::server::Server;

/// A root that signs what it is asked for.
pub(crate) struct Signer {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority with room below it, valid for a century.
fn authority(name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(match path_length {
        Some(length) => BasicConstraints::Constrained(length),
        None => BasicConstraints::Unconstrained,
    });
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.use_authority_key_identifier_extension = true;
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2120, 1, 1);
    parameters
}

impl Signer {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let parameters = authority(name, None);
        let certificate = parameters.self_signed(&key).unwrap().pem();
        Self {
            certificate,
            key: key.serialize_pem(),
            issuer: Issuer::new(parameters, key),
        }
    }

    fn sign(&self, parameters: &CertificateParams, key: &KeyPair) -> String {
        parameters.signed_by(key, &self.issuer).unwrap().pem()
    }

    /// The answer to a request, as a signer gives it that takes what is asked for.
    pub(crate) fn answer(&self, request: &str) -> String {
        let mut parsed = CertificateSigningRequestParams::from_pem(request).unwrap();
        parsed.params.not_before = date_time_ymd(2020, 1, 1);
        parsed.params.not_after = date_time_ymd(2120, 1, 1);
        parsed.params.serial_number = Some(SerialNumber::from_slice(&[66; 16]));
        parsed.params.use_authority_key_identifier_extension = true;
        parsed.signed_by(&self.issuer).unwrap().pem()
    }

    /// The body that answers the request of a scope; the server is asked for one first.
    pub(crate) async fn signed(&self, server: &Server, scope: &str) -> Value {
        let path = format!("{scope}/ca/request");
        server.post(&path, Value::Null).await;
        server.authorities.look_at_all().await.unwrap();
        let asked = server.post(&path, Value::Null).await;
        let request = asked.json()["request"].as_str().map(str::to_owned);
        let request = request.unwrap_or_else(|| unreachable!("{path}: {asked}"));
        json!({"certificate": self.answer(&request), "chain": self.certificate})
    }
}

/// What bad rows name: certificates that break a rule each, all for one key, and keys.
pub(crate) fn sample(name: &str) -> &'static str {
    static SAMPLES: OnceLock<BTreeMap<&'static str, String>> = OnceLock::new();
    let samples = SAMPLES.get_or_init(samples);
    samples
        .get(name)
        .unwrap_or_else(|| unreachable!("no sample '{name}'"))
}

fn samples() -> BTreeMap<&'static str, String> {
    let root = Signer::new("others root");
    let key = KeyPair::generate().unwrap();
    let good = || authority("others anchor", Some(1));
    let with = |change: fn(&mut CertificateParams)| {
        let mut parameters = good();
        change(&mut parameters);
        root.sign(&parameters, &key)
    };
    let p521 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let unknown = |parameters: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[2, 999, 1], vec![5, 0]);
        extension.set_criticality(true);
        parameters.custom_extensions.push(extension);
    };
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    BTreeMap::from([
        ("good", root.sign(&good(), &key)),
        ("key", key.serialize_pem()),
        ("two keys", key.serialize_pem() + &root.key),
        ("p521 key", p521.serialize_pem()),
        ("encrypted key", encrypted.to_owned()),
        ("two", root.sign(&good(), &key) + &root.certificate),
        ("no room", root.sign(&authority("x", Some(0)), &key)),
        ("no authority", with(|one| one.is_ca = IsCa::ExplicitNoCa)),
        (
            "expired",
            with(|one| one.not_after = date_time_ymd(2021, 1, 1)),
        ),
        (
            "future",
            with(|one| one.not_before = date_time_ymd(2100, 1, 1)),
        ),
        (
            "lists only",
            with(|one| one.key_usages = vec![KeyUsagePurpose::CrlSign]),
        ),
        (
            "no lists",
            with(|one| one.key_usages = vec![KeyUsagePurpose::KeyCertSign]),
        ),
        (
            "nameless",
            with(|one| one.distinguished_name = DistinguishedName::new()),
        ),
        ("unknown critical", with(unknown)),
        ("other root", Signer::new("others root").certificate),
        ("another root", Signer::new("another root").certificate),
        ("root key", root.key),
        ("root", root.certificate),
    ])
}
