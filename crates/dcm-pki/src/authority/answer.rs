//! What others signed: an imported authority, or the answer to a request of ours. It is taken only when every
//! rule holds; the signer may be careless, or answer with somebody else's certificate.

use dcm_types::Timestamp;

use super::Error;
use super::facts::{Certificate, certificates};
use super::key::AuthorityKey;
use super::profile::{self, Level};
use super::verify::{Chain, verify_chain};

/// Most certificates in an answer, with those above it.
const CHAIN_LIMIT: usize = 5;

/// What was asked for.
pub struct Asked<'a> {
    /// The key that was to be certified.
    pub key: &'a AuthorityKey,
    /// Where the authority shall stand: it must have room below it.
    pub level: Level,
    /// Its subject as DER; `None`: an import, whose subject is its own affair.
    pub subject: Option<&'a [u8]>,
    /// The trust domain that it shall name, if any.
    pub trust_domain: Option<&'a str>,
    /// The anchor that its chain must lead to; `None`: the last certificate of the answer is the anchor.
    pub anchor: Option<&'a Certificate>,
    /// Longest that it may be valid from now on; `None`: as long as it is.
    pub until: Option<Timestamp>,
    /// Numbers that the same issuer used already.
    pub used_serials: &'a [Vec<u8>],
    /// Now.
    pub now: Timestamp,
}

/// Checks a PEM text: the authority first, then those above it. Returns them in that order.
pub fn check_answer(pem: &str, asked: &Asked<'_>) -> Result<Vec<Certificate>, Error> {
    const WHAT: &str = "the signed chain";
    let chain = certificates(pem, WHAT)?;
    let broken = |rule| Err(Error::Unreadable { what: WHAT, rule });
    let Some((first, above)) = chain.split_first() else {
        return broken("must hold a PEM certificate");
    };
    if chain.len() > CHAIN_LIMIT {
        return broken("must hold at most 5 certificates");
    }
    if let Some(rule) = broken_rule(first, asked).or_else(|| broken_link(&chain)) {
        return broken(rule);
    }
    let anchor = asked.anchor.or(above.last()).unwrap_or(first);
    if above.is_empty() && asked.anchor.is_none() && !first.is_self_issued() {
        return broken("must hold the certificates above it, up to the one to be trusted");
    }
    let verified = Chain {
        authority: first,
        between: above,
        anchors: std::slice::from_ref(anchor),
        lists: &[],
    };
    verify_chain(&verified, asked.key, asked.now)?;
    Ok(chain)
}

/// The first rule that the authority itself breaks.
fn broken_rule(first: &Certificate, asked: &Asked<'_>) -> Option<&'static str> {
    let uris: Vec<String> = asked.trust_domain.map(profile::uri).into_iter().collect();
    let needed = u32::from(asked.level.path_length());
    let room = match first.authority {
        Some(None) => true,
        Some(Some(length)) => length >= needed,
        None => false,
    };
    let checks = [
        (
            first.public_key == asked.key.public_key_der(),
            "must be for the key of the request",
        ),
        (first.authority.is_some(), "must be a certificate authority"),
        (
            first.authority_is_critical,
            "must have critical basic constraints",
        ),
        (
            room,
            "must have a path length that leaves room for what stands below it",
        ),
        (
            first.signs_certificates,
            "must be allowed to sign certificates (keyCertSign)",
        ),
        (
            first.signs_lists,
            "must be allowed to sign lists of revoked certificates (cRLSign)",
        ),
        (
            asked.subject.is_none_or(|subject| subject == first.subject),
            "must have the subject of the request",
        ),
        (first.subject.len() > 2, "must have a subject"),
        (
            asked.trust_domain.is_none() || (first.uris == uris && first.other_names == 0),
            "must have the names of the request and no others",
        ),
        (first.not_before <= asked.now, "must be valid already"),
        (first.not_after > asked.now, "must be valid still"),
        (
            asked.until.is_none_or(|until| first.not_after <= until),
            "must not be valid longer than was asked for",
        ),
        (
            !asked.used_serials.contains(&first.serial),
            "must have a number that was never used before",
        ),
        (
            first.key_identifier.is_some(),
            "must have a subject key identifier",
        ),
    ];
    checks
        .into_iter()
        .find(|(holds, _)| !holds)
        .map(|(_, rule)| rule)
}

/// The first rule that the links of a chain break.
fn broken_link(chain: &[Certificate]) -> Option<&'static str> {
    for certificate in chain {
        if let Some(weakness) = certificate.weakness {
            return Some(weakness);
        }
        if certificate.unknown_critical {
            return Some("must have no critical extension that is not known here");
        }
    }
    for pair in chain.windows(2) {
        let [lower, upper] = pair else { continue };
        if lower.issuer != upper.subject {
            return Some("must be in order: each certificate is followed by its issuer");
        }
        if lower.issuer_key_identifier.is_none()
            || lower.issuer_key_identifier != upper.key_identifier
        {
            return Some("must have key identifiers that link each certificate with its issuer");
        }
        if !lower.is_signed_by(upper) {
            return Some("must be signed by the certificate that follows");
        }
    }
    None
}
