//! What the fuzzer calls: readers of what others made, each with what must be true of any answer.
//!
//! Inputs are texts, or the DER that a text would hold; parts of an input are apart by a line of five equal signs.
//! `cargo xtask fuzz` makes inputs that are good (`crates/dcm-pki/examples/fuzz_seeds.rs`); what was found once is
//! kept as text in `fuzz/corpus`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::authority::revocation::RevocationList;
use dcm_pki::authority::{Asked, AuthorityKey, Certificate, Level, certificates, check_answer};
use dcm_pki::bundle::{self, Files, Limits};
use dcm_pki::{check_request, parse_request};
use dcm_types::Timestamp;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

const APART: &str = "\n=====\n";
const WHAT: &str = "the input";
/// The moment of all seeds, and a while after it: 2026-01-01T00:30:00Z.
const NOW: i64 = 1_767_227_400;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("it is a moment")
}

/// The input as a text: as it is when it looks like one, else as DER in a block.
fn text(label: &str, data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) if text.contains("-----BEGIN ") => text.to_owned(),
        _ => {
            let base64 = STANDARD.encode(data);
            format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
        }
    }
}

/// A `cacerts` Secret, or its five files: the judge says the same twice, and never quotes a key.
pub fn bundle(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let files = Files::from_secret(&text).unwrap_or_else(|_| {
        let mut parts = text.split(APART).map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Files {
            certificate: next(),
            key: SecretString::from(next()),
            chain: next(),
            anchors: next(),
            lists: parts.next(),
        }
    });
    judge(&files);
    bundle::check_together(&[("one", &files), ("other", &files)]);
}

fn judge(files: &Files) {
    let limits = Limits {
        now: now(),
        longest_leaf: SignedDuration::from_hours(24),
        propagation: SignedDuration::from_mins(10),
    };
    let findings = bundle::check(files, &limits);
    assert_eq!(findings, bundle::check(files, &limits));
    // A line of base64 in a key is a secret; words of a rule are shorter.
    for line in files
        .key
        .expose_secret()
        .lines()
        .filter(|line| line.len() > 40)
    {
        assert!(
            findings
                .iter()
                .all(|finding| !finding.message.contains(line))
        );
    }
}

/// A certificate request: what is taken is taken again from what was kept of it, for the same key.
pub fn request(data: &[u8]) {
    let text = text("CERTIFICATE REQUEST", data);
    let _ = parse_request(&text);
    if let Ok(taken) = check_request(&text) {
        assert_eq!(check_request(&taken.pem).as_ref(), Ok(&taken));
        let read = parse_request(&taken.pem).expect("it was taken");
        assert_eq!(read.public_key_der, taken.public_key_der);
        assert_eq!(read.attributes, 0);
    }
}

/// Certificates: what is read is written and read again as the same.
pub fn certificate(data: &[u8]) {
    let Ok(read) = certificates(&text("CERTIFICATE", data), WHAT) else {
        return;
    };
    for one in &read {
        assert_eq!(Certificate::from_der(&one.der).as_ref(), Ok(one));
        let again = certificates(&one.to_pem(), WHAT).expect("it was read before");
        assert_eq!(again.as_slice(), std::slice::from_ref(one));
        for other in &read {
            one.is_signed_by(other);
        }
    }
}

/// A list of revoked certificates, and perhaps its issuer: what is read is written and read again as the same.
pub fn list(data: &[u8]) {
    let (list, issuer) = match split(data) {
        Some((list, issuer)) => (list, certificates(&text("CERTIFICATE", issuer), WHAT).ok()),
        None => (data, None),
    };
    if let Ok(read) = RevocationList::from_der(list) {
        for issuer in issuer.unwrap_or_default() {
            read.is_signed_by(&issuer);
        }
        let files = of_lists(RevocationList::to_pem(list));
        judge(&files);
    } else {
        judge(&of_lists(String::from_utf8_lossy(list).into_owned()));
    }
}

fn of_lists(lists: String) -> Files {
    Files {
        certificate: String::new(),
        key: SecretString::from(""),
        chain: String::new(),
        anchors: String::new(),
        lists: Some(lists),
    }
}

/// A key and a chain to import: what is taken begins with a certificate of that key that may sign.
pub fn import(data: &[u8]) {
    let (key, chain) = split(data).unwrap_or((data, data));
    let key = SecretString::from(text("PRIVATE KEY", key));
    let Ok(key) = AuthorityKey::from_pem(&key) else {
        return;
    };
    let asked = Asked {
        key: &key,
        level: Level::Cloud,
        subject: None,
        trust_domain: None,
        anchor: None,
        until: None,
        used_serials: &[],
        now: now(),
    };
    if let Ok(taken) = check_answer(&text("CERTIFICATE", chain), &asked) {
        let first = taken.first().expect("it is not empty");
        assert_eq!(first.public_key, key.public_key_der());
        assert!(first.authority.is_some() && first.signs_certificates);
        assert!(first.not_before <= now() && now() < first.not_after);
        assert!(taken.iter().all(|one| one.weakness.is_none()));
    }
}

fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mark = APART.as_bytes();
    let at = data.windows(mark.len()).position(|window| window == mark)?;
    Some((&data[..at], &data[at + mark.len()..]))
}
