//! What is accepted from a signer, and each way in which its answer can be wrong (T20, T23).

use dcm_pki::{Mismatch, UserKey, certificate_key_matches, verify_issued, verify_issuer};
use dcm_types::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, date_time_ymd,
};

use crate::sample::{authority, named};

const NAME: &str = "dcm:0123456789abcdef0123456789abcdef01234567";

struct Signer {
    issuer: Issuer<'static, KeyPair>,
    authority_pem: String,
    key: UserKey,
    /// The same key, as the library that issues certificates knows it.
    public: KeyPair,
}

impl Signer {
    fn new() -> Self {
        let (issuer, authority_pem) = authority();
        let public = KeyPair::generate().unwrap();
        let key = UserKey::from_pem(&public.serialize_pem().into()).unwrap();
        Self {
            issuer,
            authority_pem,
            key,
            public,
        }
    }

    fn issue(&self, parameters: &CertificateParams) -> String {
        self.issue_for(parameters, &self.public)
    }

    fn issue_for(&self, parameters: &CertificateParams, key: &impl PublicKeyData) -> String {
        parameters.signed_by(key, &self.issuer).unwrap().pem()
    }

    fn verify(&self, pem: &str) -> Result<dcm_pki::Validity, Mismatch> {
        verify_issued(pem, &self.key.public_key_der(), NAME, now())
    }
}

fn now() -> Timestamp {
    "2030-06-15T12:00:00Z".parse().unwrap()
}

/// As the signer of Kubernetes fills it in.
fn good() -> CertificateParams {
    let mut parameters = named(NAME);
    parameters.not_before = date_time_ymd(2030, 6, 15);
    parameters.not_after = date_time_ymd(2030, 6, 22);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters
}

fn changed(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut parameters = good();
    change(&mut parameters);
    parameters
}

#[test]
fn the_certificate_that_was_asked_for_is_accepted() {
    let signer = Signer::new();
    let leaf = signer.issue(&good());
    let validity = signer.verify(&leaf).unwrap();
    assert_eq!(validity.not_before.to_string(), "2030-06-15T00:00:00Z");
    assert_eq!(validity.not_after.to_string(), "2030-06-22T00:00:00Z");
    assert!(validity.has_begun(now()));
    let chain = format!("{leaf}{}", signer.authority_pem);
    assert_eq!(signer.verify(&chain), Ok(validity));
    let bare = changed(|parameters| {
        parameters.is_ca = IsCa::NoCa;
        parameters.key_usages.clear();
        parameters.extended_key_usages.clear();
    });
    assert_eq!(signer.verify(&signer.issue(&bare)), Ok(validity));
}

#[test]
fn a_certificate_that_gives_more_or_other_rights_is_refused() {
    let signer = Signer::new();
    let subject = |kind: DnType, text: &str| {
        let text = text.to_owned();
        changed(move |parameters| parameters.distinguished_name.push(kind, text))
    };
    let common_name = DnType::CustomDnType(vec![2, 5, 4, 3]);
    let rows = [
        (named("dcm:other"), Mismatch::CommonName),
        (
            named("system:kube-controller-manager"),
            Mismatch::CommonName,
        ),
        (named(&NAME.to_uppercase()), Mismatch::CommonName),
        (named(&format!("{NAME} ")), Mismatch::CommonName),
        (named(""), Mismatch::CommonName),
        (
            changed(|parameters| parameters.distinguished_name = rcgen::DistinguishedName::new()),
            Mismatch::CommonName,
        ),
        (
            subject(DnType::OrganizationName, "system:masters"),
            Mismatch::Organization,
        ),
        (
            subject(DnType::OrganizationalUnitName, "a"),
            Mismatch::Subject,
        ),
        (
            subject(
                DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 57683, 2]),
                "uid",
            ),
            Mismatch::Subject,
        ),
        (subject(common_name, "admin"), Mismatch::Subject),
        (
            changed(|parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            Mismatch::Authority,
        ),
        (
            changed(|parameters| parameters.key_usages.push(KeyUsagePurpose::KeyCertSign)),
            Mismatch::Authority,
        ),
        (
            changed(|parameters| {
                parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            Mismatch::Usage,
        ),
    ];
    for (parameters, mismatch) in rows {
        let mut parameters = parameters;
        parameters.not_before = good().not_before;
        parameters.not_after = good().not_after;
        let subject = parameters.distinguished_name.clone();
        assert_eq!(
            signer.verify(&signer.issue(&parameters)),
            Err(mismatch),
            "{subject:?}"
        );
    }
}

#[test]
fn a_certificate_for_another_key_is_refused() {
    let signer = Signer::new();
    let other = KeyPair::generate().unwrap();
    let pem = signer.issue_for(&good(), &other);
    assert_eq!(signer.verify(&pem), Err(Mismatch::PublicKey));
    // Only the first certificate counts, whatever comes behind it.
    let pem = format!("{}{}", signer.authority_pem, signer.issue(&good()));
    assert_eq!(signer.verify(&pem), Err(Mismatch::PublicKey));
}

#[test]
fn the_period_is_checked_with_ten_minutes_of_patience() {
    let signer = Signer::new();
    let pem = signer.issue(&good());
    let at = |text: &str| {
        verify_issued(
            &pem,
            &signer.key.public_key_der(),
            NAME,
            text.parse().unwrap(),
        )
    };
    let validity = at("2030-06-14T23:50:00Z").unwrap();
    assert!(!validity.has_begun("2030-06-14T23:50:00Z".parse().unwrap()));
    let not_before = validity.not_before;
    let not_after = validity.not_after;
    assert_eq!(
        at("2030-06-14T23:49:59Z"),
        Err(Mismatch::NotYetValid { not_before })
    );
    assert!(at("2030-06-21T23:59:59Z").is_ok());
    assert_eq!(
        at("2030-06-22T00:00:00Z"),
        Err(Mismatch::Expired { not_after })
    );
    let backwards = changed(|parameters| {
        parameters.not_before = date_time_ymd(2030, 6, 22);
        parameters.not_after = date_time_ymd(2030, 6, 22);
    });
    let pem = signer.issue(&backwards);
    let result = verify_issued(
        &pem,
        &signer.key.public_key_der(),
        NAME,
        "2030-06-21T23:55:00Z".parse().unwrap(),
    );
    assert_eq!(result, Err(Mismatch::Expired { not_after }));
}

#[test]
fn an_answer_that_is_no_certificate_is_refused() {
    let signer = Signer::new();
    let pem = signer.issue(&good());
    let inner = pem.lines().nth(1).unwrap();
    let rows = [
        String::new(),
        "<html>".to_owned(),
        inner.to_owned(),
        pem.replace("CERTIFICATE", "CERTIFICATE REQUEST"),
        pem.replace("END CERTIFICATE", "END KEY"),
        pem.replacen(inner, "", 1),
        pem.replacen(
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nA: b\n",
            1,
        ),
        format!("{pem}-----BEGIN CERTIFICATE-----\n"),
        format!("{pem}{}", " ".repeat(64 * 1024)),
    ];
    for row in rows {
        let result = signer.verify(&row);
        assert!(
            matches!(result, Err(Mismatch::Unreadable(_))),
            "{row:.200}: {result:?}"
        );
    }
}

#[test]
fn no_damaged_certificate_makes_the_reader_fail() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let signer = Signer::new();
    let pem = signer.issue(&good());
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    let wrap = |der: &[u8]| {
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(der)
        )
    };
    assert!(signer.verify(&wrap(&der)).is_ok());
    for end in 0..der.len() {
        assert!(signer.verify(&wrap(&der[..end])).is_err(), "cut at {end}");
    }
    assert!(signer.verify(&wrap(&[&der[..], &[0]].concat())).is_err());
    for place in 0..der.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = der.clone();
            damaged[place] ^= mask;
            // The signature is not ours to check; all that matters is that there is an answer.
            let _ = signer.verify(&wrap(&damaged));
        }
    }
}

#[test]
fn a_certificate_and_a_key_are_matched() {
    let signer = Signer::new();
    let pem = signer.issue(&good());
    let other = UserKey::generate().unwrap();
    assert!(certificate_key_matches(&pem, &signer.key.to_pem()).unwrap());
    assert!(!certificate_key_matches(&pem, &other.to_pem()).unwrap());
    assert!(certificate_key_matches("", &other.to_pem()).is_err());
    assert!(certificate_key_matches(&pem, &String::new().into()).is_err());
}

#[test]
fn every_mismatch_has_a_category() {
    let rows = [
        (Mismatch::Unreadable("is"), "CertificateUnreadable"),
        (Mismatch::PublicKey, "CertificateMismatch"),
        (
            Mismatch::NotYetValid { not_before: now() },
            "CertificateNotYetValid",
        ),
        (Mismatch::Expired { not_after: now() }, "CertificateExpired"),
    ];
    for (mismatch, category) in rows {
        assert_eq!(mismatch.category(), category);
    }
}

#[test]
fn a_certificate_leads_to_an_authority_or_is_refused() {
    let signer = Signer::new();
    let leaf = signer.issue(&good());
    let (other, other_pem) = authority();
    // The authority has the same name in all cases; only its key tells.
    assert_eq!(verify_issuer(&leaf, &signer.authority_pem), Ok(()));
    assert_eq!(verify_issuer(&leaf, &other_pem), Err(Mismatch::Issuer));
    let both = format!("{other_pem}{}", signer.authority_pem);
    assert_eq!(verify_issuer(&leaf, &both), Ok(()));
    // What is not told, or cannot be read, refuses nothing.
    for unknown in ["", "no certificate"] {
        assert_eq!(verify_issuer(&leaf, unknown), Ok(()), "{unknown}");
    }

    let mut parameters = named("between");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let between_pem = parameters.signed_by(&key, &other).unwrap().pem();
    let between = Issuer::new(parameters, key);
    let leaf = good().signed_by(&signer.public, &between).unwrap().pem();
    assert_eq!(verify_issuer(&leaf, &other_pem), Err(Mismatch::Issuer));
    let chain = format!("{leaf}{between_pem}");
    assert_eq!(verify_issuer(&chain, &other_pem), Ok(()));
    assert_eq!(
        verify_issuer(&chain, &signer.authority_pem),
        Err(Mismatch::Issuer)
    );
    // Two that signed each other lead nowhere, and in finite time.
    let circle = format!("{between_pem}{between_pem}{between_pem}");
    assert_eq!(
        verify_issuer(&circle, &signer.authority_pem),
        Err(Mismatch::Issuer)
    );
}
