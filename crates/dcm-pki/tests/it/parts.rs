//! Certificates of the product's own parts: what is issued, what is refused, and what `openssl` says to it.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use dcm_pki::authority::Serial;
use dcm_pki::parts::{Address, Identity, IdentityRequest, PartsAuthority, parts_of};
use dcm_types::{Part, Timestamp};

use crate::program::run;

fn serial(byte: u8) -> Serial {
    Serial::from_random([byte; 16])
}

fn authority() -> PartsAuthority {
    PartsAuthority::make(Timestamp::now(), serial(1)).unwrap()
}

fn request(parts: &[Part], addresses: &[&str]) -> IdentityRequest {
    let addresses = addresses.iter();
    IdentityRequest {
        parts: parts.iter().copied().collect(),
        addresses: addresses
            .map(|text| Address::parse(text).unwrap())
            .collect(),
        serial: serial(7),
        now: Timestamp::now(),
        not_after: Timestamp::now() + Duration::from_hours(24 * 90),
    }
}

#[test]
fn a_process_is_known_by_its_parts() {
    let authority = authority();
    let both = request(&[Part::Sync, Part::Ca], &["ca.example", "10.1.2.3", "::1"]);
    let identity = Identity::issue(&authority, &both).unwrap();
    let parts = parts_of(&identity.certificate.der).unwrap();
    assert_eq!(parts, BTreeSet::from([Part::Ca, Part::Sync]));
    assert_eq!(identity.certificate.other_names, 3);

    // Read from its files it signs as before.
    let pem = authority.certificate().to_pem();
    let again = PartsAuthority::read(&pem, &authority.key_pem()).unwrap();
    Identity::issue(&again, &request(&[Part::Api], &[])).unwrap();
}

#[test]
fn openssl_takes_a_process_as_a_server_and_as_a_client() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let authority = authority();
    let wanted = request(&[Part::Ca], &["ca.example", "10.1.2.3"]);
    let identity = Identity::issue(&authority, &wanted).unwrap();
    fs::write(path("ca.pem"), authority.certificate().to_pem()).unwrap();
    fs::write(path("ca-part.pem"), identity.certificate.to_pem()).unwrap();
    let (anchor, leaf) = (path("ca.pem"), path("ca-part.pem"));
    for purpose in ["sslserver", "sslclient"] {
        for name in ["-verify_hostname ca.example", "-verify_ip 10.1.2.3"] {
            let command = "openssl verify -x509_strict -check_ss_sig";
            let told = run(&format!(
                "{command} -purpose {purpose} {name} -CAfile {anchor} {leaf}"
            ));
            assert!(
                told.output.contains("OK"),
                "{purpose} {name}: {}",
                told.errors
            );
        }
    }
}

#[test]
fn what_breaks_a_rule_is_not_issued() {
    let authority = authority();
    let good = request(&[Part::Api], &[]);
    let no_part = request(&[], &[]);
    let ended = IdentityRequest {
        not_after: good.now - Duration::from_secs(1),
        ..good.clone()
    };
    let longer = IdentityRequest {
        not_after: good.now + Duration::from_hours(24 * 365 * 11),
        ..good.clone()
    };
    let many = IdentityRequest {
        addresses: vec![Address::parse("a.example").unwrap(); 33],
        ..good
    };
    for (asked, rule) in [
        (no_part, "must name a part"),
        (ended, "must end in the future"),
        (longer, "not after its issuer"),
        (many, "at most 32 addresses"),
    ] {
        let refused = Identity::issue(&authority, &asked).err().unwrap();
        assert!(refused.to_string().contains(rule), "{refused}");
    }
}

#[test]
fn addresses_that_two_readers_could_understand_differently_are_refused() {
    for text in [
        "",
        "Ca.example",
        "ca_1.example",
        "-a.example",
        "a-.example",
        "a..example",
        "a.example.",
        "*.example",
        "a b",
        "10.1.2",
        "10.1.2.3.4",
        "a.1",
        "[::1]",
        "http://a",
        "a:7443",
        "ä.example",
    ] {
        assert!(Address::parse(text).is_err(), "{text}");
    }
    assert!(Address::parse(&format!("{}.example", "a".repeat(64))).is_err());
    assert!(matches!(Address::parse("fd00::1"), Ok(Address::Ip(_))));
    assert!(matches!(
        Address::parse("ca-1.example"),
        Ok(Address::Name(_))
    ));
}

#[test]
fn a_certificate_without_a_part_and_a_key_of_another_authority_are_refused() {
    let (one, other) = (
        authority(),
        PartsAuthority::make(Timestamp::now(), serial(2)).unwrap(),
    );
    assert!(parts_of(&one.certificate().der).is_err());
    assert!(parts_of(b"no certificate").is_err());
    let mixed = PartsAuthority::read(&one.certificate().to_pem(), &other.key_pem());
    assert!(
        mixed
            .err()
            .unwrap()
            .to_string()
            .contains("the key of its certificate")
    );
    let process = Identity::issue(&one, &request(&[Part::Ca], &[])).unwrap();
    let no_authority = PartsAuthority::read(&process.certificate.to_pem(), &process.key_pem());
    assert!(no_authority.is_err());
}
