//! Authorities of every algorithm, judged by two other libraries and by `openssl`; and what is not issued.

use std::fs;

use dcm_pki::authority::{
    Asked, AuthorityKey, Certificate, Chain, Error, Issuer, Level, Profile, Revoked,
    authority_request, check_answer, issue, revocation_list, self_sign, verify_chain,
};
use dcm_types::KeyAlgorithm;
use jiff::{SignedDuration, ToSpan as _};
use secrecy::ExposeSecret as _;

use crate::hierarchy::{DOMAIN, Hierarchy, now, profile};
use crate::program::run;

fn verified(
    (authority, key): &(Certificate, AuthorityKey),
    between: &[Certificate],
    anchors: &[Certificate],
    lists: &[Vec<u8>],
) -> Result<(), Error> {
    let chain = Chain {
        authority,
        between,
        anchors,
        lists,
    };
    verify_chain(&chain, key, now())
}

#[test]
fn edge_of_every_algorithm_is_verified_up_to_the_anchor_and_to_the_root() {
    for algorithm in KeyAlgorithm::ALL {
        let made = Hierarchy::new(algorithm);
        let (cloud, root) = (&made.cloud.0, &made.root.0);
        let (anchor, top) = (std::slice::from_ref(cloud), std::slice::from_ref(root));
        verified(&made.edge, &[], anchor, &made.lists()).unwrap();
        verified(&made.edge, anchor, top, &[]).unwrap();
        let again = AuthorityKey::from_pem(&made.edge.1.to_pem()).unwrap();
        assert_eq!(again.public_key_der(), made.edge.0.public_key);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            file.to_str().unwrap().to_owned()
        };
        let edge = write("edge.pem", &made.edge.0.to_pem());
        let cloud = write("cloud.pem", &cloud.to_pem());
        let root = write("root.pem", &root.to_pem());
        let key = write("key.pem", made.edge.1.to_pem().expose_secret());
        run(&format!(
            "openssl verify -x509_strict -CAfile {root} -untrusted {cloud} {edge}"
        ));
        run(&format!(
            "openssl verify -x509_strict -partial_chain -CAfile {cloud} {edge}"
        ));
        run(&format!("openssl pkey -check -noout -in {key}"));
    }
}

#[test]
fn certificate_has_exactly_what_its_profile_says() {
    let begun = now();
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge.pem");
    fs::write(&file, made.edge.0.to_pem()).unwrap();
    let shown = run(&format!("openssl x509 -noout -text -in {}", file.display())).output;
    for expected in [
        "Subject: O = acme, OU = shop, CN = shop/edges/berlin mesh CA 1",
        "X509v3 Basic Constraints: critical",
        "CA:TRUE, pathlen:0",
        "X509v3 Key Usage: critical",
        "Certificate Sign, CRL Sign",
        "URI:spiffe://shop.acme.example",
        "X509v3 Authority Key Identifier",
        "X509v3 Subject Key Identifier",
        "Serial Number:",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(shown.matches("X509v3 ").count(), 6, "{shown}");
    assert!(!shown.contains("Extended Key Usage") && !shown.contains("Digital Signature"));
    assert_eq!(made.edge.0.serial.len(), 16);
    let skew = SignedDuration::from_mins(5);
    let begins = made.edge.0.not_before;
    assert!((begun - skew..=now() - skew).contains(&begins), "{begins}");
    assert_eq!(
        made.root.0.issuer_key_identifier,
        made.root.0.key_identifier
    );
}

#[test]
fn another_clouds_anchor_does_not_verify_the_edge() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let other = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let anchor = std::slice::from_ref(&other.cloud.0);
    assert!(verified(&made.edge, &[], anchor, &[]).is_err());
    // Also not when the other anchor has the very same name.
    assert_eq!(other.cloud.0.subject, made.cloud.0.subject);
}

#[test]
fn revoked_edge_is_refused_and_the_others_stay() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let anchor = std::slice::from_ref(&made.cloud.0);
    let issuer = Issuer::new(&made.cloud.0, &made.cloud.1).unwrap();
    let next = now().checked_add(24.hours()).unwrap();
    let revoked = Revoked {
        serial: made.edge.0.serial.clone(),
        at: now(),
    };
    let mut lists = made.lists();
    lists[1] = revocation_list(&issuer, 2, &[revoked], (now(), next)).unwrap();
    let error = verified(&made.edge, &[], anchor, &lists).unwrap_err();
    assert!(error.to_string().contains("Revoked"), "{error}");
    lists[1] = revocation_list(&issuer, 3, &[], (now(), next)).unwrap();
    verified(&made.edge, &[], anchor, &lists).unwrap();
    // A list that is missing is as good as one that revokes everything.
    assert!(verified(&made.edge, &[], anchor, &lists[..1]).is_err());
}

#[test]
fn what_is_not_asked_for_rightly_is_not_issued() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let cloud = Issuer::new(&made.cloud.0, &made.cloud.1).unwrap();
    let changed = |change: fn(&mut Profile)| {
        let mut wanted = profile(Level::Edge, 9);
        change(&mut wanted);
        wanted
    };
    let rows: [(&str, Profile); 6] = [
        ("path length", changed(|wanted| wanted.level = Level::Cloud)),
        (
            "end after its issuer",
            changed(|wanted| {
                wanted.not_after = now() + SignedDuration::from_hours(24 * 900);
            }),
        ),
        (
            "end in the future",
            changed(|wanted| wanted.not_after = now()),
        ),
        (
            "1 to 64",
            changed(|wanted| wanted.subject.common_name = "x".repeat(65)),
        ),
        (
            "1 to 64",
            changed(|wanted| wanted.subject.organization = String::new()),
        ),
        (
            "control",
            changed(|wanted| wanted.subject.unit = Some("a\nb".to_owned())),
        ),
    ];
    for (rule, wanted) in rows {
        let error = issue(&wanted, &key, &cloud).unwrap_err().to_string();
        assert!(error.contains(rule), "{rule}: {error}");
    }
    // An edge signs no authorities, and nobody signs with the key of somebody else.
    let edge = Issuer::new(&made.edge.0, &made.edge.1).unwrap();
    assert!(issue(&profile(Level::Edge, 9), &key, &edge).is_err());
    assert!(Issuer::new(&made.cloud.0, &made.edge.1).is_err());
}

#[test]
fn constrained_edge_names_its_trust_domain_in_a_way_that_openssl_knows() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let mut wanted = profile(Level::Edge, 9);
    wanted.constrained = true;
    let issuer = Issuer::new(&made.cloud.0, &made.cloud.1).unwrap();
    let edge = issue(&wanted, &key, &issuer).unwrap().certificate;
    assert!(edge.has_name_constraints);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge.pem");
    fs::write(&file, edge.to_pem()).unwrap();
    let shown = run(&format!("openssl x509 -noout -text -in {}", file.display())).output;
    assert!(
        shown.contains("X509v3 Name Constraints: critical"),
        "{shown}"
    );
    assert!(shown.contains(&format!("URI:{DOMAIN}")), "{shown}");
}

/// A change of what was asked.
type Asking<'a> = Box<dyn Fn(&mut Asked<'a>) + 'a>;

/// What somebody else signed for a request of ours: our own cloud key as signer.
fn asked<'a>(key: &'a AuthorityKey, anchor: &'a Certificate, subject: &'a [u8]) -> Asked<'a> {
    Asked {
        key,
        level: Level::Edge,
        subject: Some(subject),
        trust_domain: Some(DOMAIN),
        anchor: Some(anchor),
        until: Some(now() + SignedDuration::from_hours(24 * 90)),
        used_serials: &[],
        now: now(),
    }
}

#[test]
fn answer_of_another_signer_is_taken_when_it_is_what_was_asked() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let (key, anchor) = (&made.edge.1, &made.cloud.0);
    let subject = made.edge.0.subject.clone();
    let good = made.edge.0.to_pem() + &anchor.to_pem();
    assert_eq!(
        check_answer(&good, &asked(key, anchor, &subject))
            .unwrap()
            .len(),
        2
    );
    assert!(check_answer(&made.edge.0.to_pem(), &asked(key, anchor, &subject)).is_ok());
}

#[test]
fn answer_that_is_something_else_is_refused() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let good = made.edge.0.to_pem() + &made.cloud.0.to_pem();
    let other = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let used = [made.edge.0.serial.clone()];
    let rows: Vec<(&str, String, Asking<'_>)> = vec![
        ("PEM certificate", String::new(), Box::new(|_| {})),
        (
            "key of the request",
            good.clone(),
            Box::new(|asked| asked.key = &other.edge.1),
        ),
        (
            "subject of the request",
            good.clone(),
            Box::new(|asked| asked.subject = Some(b"0")),
        ),
        (
            "names of the request",
            good.clone(),
            Box::new(|asked| asked.trust_domain = Some("other")),
        ),
        (
            "longer than was asked",
            good.clone(),
            Box::new(|asked| asked.until = Some(now())),
        ),
        (
            "never used",
            good.clone(),
            Box::new(|asked| asked.used_serials = &used),
        ),
        (
            "path length",
            good.clone(),
            Box::new(|asked| asked.level = Level::Cloud),
        ),
        (
            "not verified",
            good.clone(),
            Box::new(|asked| asked.anchor = Some(&other.cloud.0)),
        ),
    ];
    all_are_refused(&made, rows);
}

#[test]
fn answer_that_is_no_chain_is_refused() {
    let made = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let good = made.edge.0.to_pem() + &made.cloud.0.to_pem();
    let other = Hierarchy::new(KeyAlgorithm::EcdsaP256);
    let rows: Vec<(&str, String, Asking<'_>)> = vec![
        (
            "in order",
            made.edge.0.to_pem() + &made.root.0.to_pem(),
            Box::new(|_| {}),
        ),
        (
            "key identifiers",
            made.edge.0.to_pem() + &other.cloud.0.to_pem(),
            Box::new(|_| {}),
        ),
        (
            "at most 5",
            made.edge.0.to_pem().repeat(6),
            Box::new(|_| {}),
        ),
        (
            "CERTIFICATE only",
            made.edge.1.to_pem().expose_secret().to_owned(),
            Box::new(|_| {}),
        ),
        (
            "valid still",
            good.clone(),
            Box::new(|asked| {
                asked.now = now() + SignedDuration::from_hours(24 * 100);
                asked.until = None;
            }),
        ),
        (
            "valid already",
            good.clone(),
            Box::new(|asked| {
                asked.now = now() - SignedDuration::from_hours(1);
            }),
        ),
        (
            "up to the one to be trusted",
            made.edge.0.to_pem(),
            Box::new(|asked| asked.anchor = None),
        ),
    ];
    all_are_refused(&made, rows);
}

fn all_are_refused<'a>(made: &'a Hierarchy, rows: Vec<(&str, String, Asking<'a>)>) {
    for (rule, pem, change) in rows {
        let mut asked = asked(&made.edge.1, &made.cloud.0, &made.edge.0.subject);
        change(&mut asked);
        let error = check_answer(&pem, &asked).unwrap_err().to_string();
        assert!(error.contains(rule), "{rule}: {error}");
        assert!(!error.contains("BEGIN"), "nothing is quoted: {error}");
    }
}

#[test]
fn request_for_an_authority_is_what_openssl_reads_as_one() {
    let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
    let request = authority_request(&profile(Level::Cloud, 1), &key)
        .unwrap()
        .pem;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.pem");
    fs::write(&file, request).unwrap();
    let verified = run(&format!(
        "openssl req -verify -noout -text -in {}",
        file.display()
    ));
    let shown = verified.output + &verified.errors;
    for expected in [
        "verify OK",
        "CA:TRUE, pathlen:1",
        "Certificate Sign, CRL Sign",
        "spiffe://",
        "OU = shop",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn imported_keys_of_every_form_are_read_and_small_or_other_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        ("genrsa -traditional 2048", true),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072", true),
        ("ecparam -name secp384r1 -genkey -noout", true),
        ("ecparam -name prime256v1 -genkey", true),
        ("genpkey -algorithm ED25519", true),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
            false,
        ),
        ("genrsa 1024", false),
    ];
    for (kind, taken) in rows {
        let file = folder.path().join("key.pem");
        let (command, rest) = kind.split_once(' ').unwrap();
        run(&format!("openssl {command} -out {} {rest}", file.display()));
        let pem = fs::read_to_string(&file).unwrap().into();
        let read = AuthorityKey::from_pem(&pem);
        assert_eq!(read.is_ok(), taken, "{kind}");
        if let Ok(key) = read {
            self_sign(&profile(Level::Root, 1), &key).unwrap();
        }
    }
}
