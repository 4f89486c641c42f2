//! The judge of bundles: what we make is good, and each way to spoil it is told by its rule.

use dcm_pki::authority::{AuthorityKey, Certificate, Issuer, Level, issue, revocation_list};
use dcm_pki::bundle::{Files, Limits, Rule, Severity, check, check_together};
use dcm_types::KeyAlgorithm;
use jiff::{SignedDuration, ToSpan as _};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose};
use secrecy::{ExposeSecret as _, SecretString};

use crate::hierarchy::{Hierarchy, now, profile};
use crate::program::run;

/// A change of a certificate before it is made.
type Making = fn(&mut CertificateParams);
/// A change of a bundle, and the rule that it breaks.
type Spoiling<'a> = Vec<(Rule, Box<dyn Fn(&mut Files) + 'a>)>;

fn limits() -> Limits {
    Limits {
        now: now(),
        longest_leaf: SignedDuration::from_hours(24),
        propagation: SignedDuration::from_hours(1),
    }
}

fn rules(files: &Files) -> Vec<Rule> {
    check(files, &limits())
        .into_iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn bundles_of_every_algorithm_are_good() {
    for algorithm in KeyAlgorithm::ALL {
        let made = Hierarchy::new(algorithm);
        let mut files = made.files();
        assert_eq!(
            check(&files, &limits()),
            Vec::new(),
            "{}",
            algorithm.as_str()
        );
        files.lists = None;
        assert_eq!(rules(&files), Vec::new(), "lists are optional");
        files.chain.push_str(&made.root.0.to_pem());
        files.anchors = made.root.0.to_pem();
        assert_eq!(
            rules(&files),
            Vec::new(),
            "as the mesh's own documentation has it"
        );
    }
}

/// So many days from now.
fn day(days: i64) -> time::OffsetDateTime {
    let seconds = now().as_second() + days * 24 * 3600;
    time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

/// An edge that the library of certificates made of whatever it was told, under the anchor.
struct Odd {
    files: Files,
}

impl Odd {
    fn new(made: &Hierarchy, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.not_before = day(-30);
        parameters.not_after = day(60);
        parameters.serial_number = Some(vec![5; 16].into());
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.use_authority_key_identifier_extension = true;
        change(&mut parameters);
        let own = KeyPair::generate().unwrap();
        let cloud = KeyPair::from_pem(made.cloud.1.to_pem().expose_secret()).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_pem(&made.cloud.0.to_pem(), cloud).unwrap();
        let edge = parameters.signed_by(&own, &issuer).unwrap();
        let edge = Certificate::from_der(edge.der()).unwrap();
        let anchors = [made.cloud.0.clone()];
        let key = SecretString::from(own.serialize_pem());
        Self {
            files: Files::new(&edge, key, &anchors, &anchors, &[]),
        }
    }
}

#[test]
fn certificates_that_should_not_sign_are_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    assert_eq!(rules(&Odd::new(&made, |_| {}).files), Vec::new());
    let rows: [(Rule, Making); 9] = [
        (Rule::NotAuthority, |wanted| {
            wanted.is_ca = IsCa::ExplicitNoCa;
        }),
        (Rule::MayNotSign, |wanted| {
            wanted.key_usages = vec![KeyUsagePurpose::CrlSign];
        }),
        (Rule::MayNotSignLists, |wanted| {
            wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }),
        (Rule::NoPathLength, |wanted| {
            wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }),
        (Rule::Expired, |wanted| wanted.not_after = day(-1)),
        (Rule::NotYetValid, |wanted| wanted.not_before = day(10)),
        (Rule::SubjectEmpty, |wanted| {
            wanted.distinguished_name = rcgen::DistinguishedName::new();
        }),
        (Rule::Purposes, |wanted| {
            wanted.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        }),
        (Rule::KeyIdentifiers, |wanted| {
            wanted.use_authority_key_identifier_extension = false;
        }),
    ];
    for (rule, change) in rows {
        let found = rules(&Odd::new(&made, change).files);
        assert!(found.contains(&rule), "{rule:?}: {found:?}");
    }
}

#[test]
fn path_length_that_is_exceeded_is_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    // An edge under an edge, which no issuer of ours would sign.
    let own = KeyPair::generate().unwrap();
    let edge = KeyPair::from_pem(made.edge.1.to_pem().expose_secret()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&made.edge.0.to_pem(), edge).unwrap();
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.not_before = day(-1);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.use_authority_key_identifier_extension = true;
    parameters.not_after = day(30);
    let below = parameters.signed_by(&own, &issuer).unwrap();
    let below = Certificate::from_der(below.der()).unwrap();
    let above = [made.edge.0.clone(), made.cloud.0.clone()];
    let key = SecretString::from(own.serialize_pem());
    let files = Files::new(&below, key, &above, &above[1..], &[]);
    assert!(
        rules(&files).contains(&Rule::PathLength),
        "{:?}",
        rules(&files)
    );
}

#[test]
fn spoiled_chains_are_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let other = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let (edge, cloud) = (made.edge.0.to_pem(), made.cloud.0.to_pem());
    let rows: Spoiling<'_> = vec![
        (
            Rule::ChainWithoutCertificate,
            Box::new(|files| files.chain = cloud.clone()),
        ),
        (
            Rule::ChainWithoutCertificate,
            Box::new(|files| files.chain = cloud.clone() + &edge),
        ),
        (
            Rule::ChainOrder,
            Box::new(|files| {
                files.chain = edge.clone() + &made.root.0.to_pem() + &cloud;
            }),
        ),
        (
            Rule::ChainBroken,
            Box::new(|files| files.chain = edge.clone() + &other.cloud.0.to_pem()),
        ),
    ];
    all_are_told(&made, rows);
}

#[test]
fn spoiled_texts_are_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let other = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let (edge, cloud) = (made.edge.0.to_pem(), made.cloud.0.to_pem());
    let rows: Spoiling<'_> = vec![
        (
            Rule::SeveralCertificates,
            Box::new(|files| files.certificate = edge.clone() + &cloud),
        ),
        (
            Rule::CertificateMissing,
            Box::new(|files| files.certificate = String::new()),
        ),
        (
            Rule::AnchorsMissing,
            Box::new(|files| files.anchors = String::new()),
        ),
        (
            Rule::Unanchored,
            Box::new(|files| files.anchors = other.cloud.0.to_pem()),
        ),
        (
            Rule::Unreadable,
            Box::new(|files| files.chain.truncate(200)),
        ),
        (
            Rule::Unreadable,
            Box::new(|files| files.lists = Some(edge.clone())),
        ),
        (
            Rule::KeyMismatch,
            Box::new(|files| files.key = other.edge.1.to_pem()),
        ),
        (
            Rule::KeyUnusable,
            Box::new(|files| files.key = SecretString::from("no key")),
        ),
        (
            Rule::ListMissing,
            Box::new(|files| {
                let lists = files.lists.take().unwrap();
                let second = lists.match_indices("-----BEGIN").nth(1).unwrap().0;
                files.lists = Some(lists[..second].to_owned());
            }),
        ),
        (
            Rule::ListUnsigned,
            Box::new(|files| files.lists = other.files().lists),
        ),
        (
            Rule::NotPlainText,
            Box::new(|files| files.chain = files.chain.replace('\n', "\r\n")),
        ),
        (
            Rule::NotPlainText,
            Box::new(|files| files.certificate.insert(0, '\u{feff}')),
        ),
        (
            Rule::OutlivesIssuer,
            Box::new(|files| {
                files.chain = made.root.0.to_pem() + &edge;
            }),
        ),
    ];
    all_are_told(&made, rows);
}

fn all_are_told(made: &Hierarchy, rows: Spoiling<'_>) {
    for (rule, change) in rows {
        let mut files = made.files();
        change(&mut files);
        let found = rules(&files);
        assert!(found.contains(&rule), "{rule:?}: {found:?}");
    }
}

#[test]
fn key_behind_a_passphrase_is_told_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    for form in ["genrsa -aes128 -traditional", "genrsa -aes128"] {
        run(&format!(
            "openssl {form} -passout pass:canary -out {} 2048",
            file.display()
        ));
        let mut files = Hierarchy::new(KeyAlgorithm::EcdsaP256).files();
        files.key = std::fs::read_to_string(&file).unwrap().into();
        assert_eq!(rules(&files), [Rule::KeyEncrypted], "{form}");
    }
}

#[test]
fn lists_that_are_over_or_revoke_are_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let issuer = Issuer::new(&made.cloud.0, &made.cloud.1).unwrap();
    let anchors = [made.cloud.0.clone()];
    let files = |second: Vec<u8>| {
        let [first, _]: [Vec<u8>; 2] = made.lists().try_into().unwrap();
        Files::new(
            &made.edge.0,
            made.edge.1.to_pem(),
            &anchors,
            &anchors,
            &[first, second],
        )
    };
    let past = now().checked_sub(2.hours()).unwrap();
    let over = revocation_list(
        &issuer,
        2,
        &[],
        (past, now().checked_sub(1.hours()).unwrap()),
    );
    assert_eq!(rules(&files(over.unwrap())), [Rule::ListExpired]);
    let next = now().checked_add(1.hours()).unwrap();
    let revoked = dcm_pki::authority::Revoked {
        serial: made.edge.0.serial.clone(),
        at: now(),
    };
    let list = revocation_list(&issuer, 2, &[revoked], (now(), next));
    assert_eq!(rules(&files(list.unwrap())), [Rule::Revoked]);
}

#[test]
fn bundle_that_ends_before_its_leaves_is_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let files = made.files();
    let late = Limits {
        now: now() + SignedDuration::from_hours(24 * 89),
        ..limits()
    };
    let found: Vec<Rule> = check(&files, &late)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    assert!(found.contains(&Rule::EndsTooSoon), "{found:?}");
}

#[test]
fn weak_signatures_and_small_keys_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (bits, digest) in [(1024, "sha256"), (2048, "sha1")] {
        let (key, certificate) = (path("key.pem"), path("certificate.pem"));
        run(&format!(
            "openssl req -x509 -newkey rsa:{bits} -nodes -{digest} -days 90 -subj /CN=weak -keyout {key} -out {certificate}"
        ));
        let pem = std::fs::read_to_string(&certificate).unwrap();
        let mut files = Hierarchy::new(KeyAlgorithm::EcdsaP256).files();
        files.anchors.push_str(&pem);
        let found = rules(&files);
        assert!(found.contains(&Rule::Weak), "{bits} {digest}: {found:?}");
    }
}

#[test]
fn constrained_names_are_told_as_a_risk_and_nothing_else() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let mut wanted = profile(Level::Edge, 9);
    wanted.constrained = true;
    let issuer = Issuer::new(&made.cloud.0, &made.cloud.1).unwrap();
    let edge = issue(&wanted, &key, &issuer).unwrap().certificate;
    let anchors = [made.cloud.0.clone()];
    let files = Files::new(&edge, key.to_pem(), &anchors, &anchors, &[]);
    assert_eq!(rules(&files), [Rule::NameConstraints]);
}

#[test]
fn edges_that_share_a_key_a_number_or_a_subject_are_told() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let issuer = Issuer::new(&made.cloud.0, &made.cloud.1).unwrap();
    let anchors = [made.cloud.0.clone()];
    let second = |number: u8, name: &str, key: &AuthorityKey| {
        let mut wanted = profile(Level::Edge, number);
        wanted.subject.common_name = name.to_owned();
        let edge = issue(&wanted, key, &issuer).unwrap().certificate;
        Files::new(&edge, key.to_pem(), &anchors, &anchors, &[])
    };
    let first = made.files();
    let fresh = AuthorityKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let rows = [
        (vec![], second(4, "shop/edges/oslo mesh CA 1", &fresh)),
        (
            vec![Rule::KeyShared],
            second(4, "shop/edges/oslo mesh CA 1", &made.edge.1),
        ),
        (
            vec![Rule::SerialRepeated],
            second(3, "shop/edges/oslo mesh CA 1", &fresh),
        ),
        (
            vec![Rule::SubjectReused],
            second(4, "shop/edges/berlin mesh CA 1", &fresh),
        ),
    ];
    for (expected, other) in rows {
        let found = check_together(&[("berlin", &first), ("oslo", &other)]);
        let found: Vec<Rule> = found.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn every_rule_has_a_hint_and_the_worst_comes_first() {
    for rule in Rule::ALL {
        assert!(rule.hint().len() > 20, "{}", rule.as_str());
    }
    let mut files = Hierarchy::new(KeyAlgorithm::EcdsaP256).files();
    files.chain = files.chain.replace('\n', "\r\n");
    files.anchors = String::new();
    let found = check(&files, &limits());
    assert_eq!(found[0].rule.severity(), Severity::Refused, "{found:?}");
    assert_eq!(
        found.last().unwrap().rule.severity(),
        Severity::Risky,
        "{found:?}"
    );
}

#[test]
fn secrets_are_read_in_each_form_and_nothing_is_quoted() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let files = made.files();
    let encoded = |text: &str| crate::sample::base64(text);
    let data: serde_json::Map<String, serde_json::Value> = files
        .each()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), encoded(text).into()))
        .collect();
    let secret = serde_json::json!({ "apiVersion": "v1", "kind": "Secret", "data": data });
    let read = Files::from_secret(&secret.to_string()).unwrap();
    assert_eq!(rules(&read), Vec::new());
    assert!(read.lists.is_some());

    let tls = serde_json::json!({ "kind": "Secret", "type": "kubernetes.io/tls", "stringData": {
        "tls.crt": files.chain, "tls.key": files.key.expose_secret(), "ca.crt": files.anchors } });
    let read = Files::from_secret(&tls.to_string()).unwrap();
    assert_eq!(rules(&read), Vec::new());

    let canary = "canary-canary";
    for (text, rule) in [
        (
            format!("kind: ConfigMap\ndata:\n  ca-key.pem: {canary}"),
            "kind Secret",
        ),
        (
            format!("kind: Secret\ndata:\n  ca-key.pem: {canary}!"),
            "base64",
        ),
        (format!("kind: [{canary}"), "YAML"),
        (
            format!("kind: Secret\ndata:\n  ca-cert.pem: {}", encoded("\u{1}x")),
            "",
        ),
    ] {
        let error = Files::from_secret(&text).err().unwrap_or_default();
        assert!(error.contains(rule), "{error}");
        assert!(!error.contains(canary), "{error}");
    }
}
