//! What others signed: an imported authority, or the answer to a request of ours. It is taken only when every
//! rule holds; the signer may be careless, or answer with somebody else's certificate.

use dcm_types::Timestamp;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use super::Error;
use super::facts::Certificate;
use super::key::AuthorityKey;
use super::profile::{self, Level};
use super::verify::{Chain, verify_chain};
use crate::{blocks, certificate};

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

/// A part of what is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate of the authority.
    Certificate,
    /// Those above it.
    Chain,
    /// Its key.
    Key,
}

impl Part {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "signed certificate",
            Self::Chain => "signed chain",
            Self::Key => "key",
        }
    }
}

/// Checks a PEM text: the authority first, then those above it. Returns them in that order.
pub fn check_answer(pem: &str, asked: &Asked<'_>) -> Result<Vec<Certificate>, Error> {
    let broken = |part, rule| Err(Error::Answer { part, rule });
    let chain = read(pem)?;
    let Some((first, above)) = chain.split_first() else {
        return broken(Part::Certificate, "must hold a PEM certificate");
    };
    if chain.len() > CHAIN_LIMIT {
        let rule = "must hold at most 5 certificates, with the one that was signed";
        return broken(Part::Chain, rule);
    }
    if let Some((part, rule)) = broken_rule(first, asked).or_else(|| broken_link(&chain)) {
        return broken(part, rule);
    }
    let anchor = asked.anchor.or(above.last()).unwrap_or(first);
    if above.is_empty() && asked.anchor.is_none() && !first.is_self_issued() {
        let rule = "must hold the certificates above it, up to the one to be trusted";
        return broken(Part::Chain, rule);
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

/// The certificates; what cannot be read is told of the first, or of those above it.
fn read(pem: &str) -> Result<Vec<Certificate>, Error> {
    let part = |index| match index {
        0 => Part::Certificate,
        _ => Part::Chain,
    };
    let whole = |rule| Error::Answer {
        part: Part::Certificate,
        rule,
    };
    let found = blocks::read(pem).map_err(whole)?;
    let each = found.iter().enumerate().map(|(index, block)| {
        let part = part(index);
        let unreadable = |rule| Error::Answer { part, rule };
        certificate::parse(block).map_err(unreadable)?;
        Certificate::from_der(&block.der).map_err(unreadable)
    });
    each.collect()
}

/// The first rule that the authority itself breaks.
fn broken_rule(first: &Certificate, asked: &Asked<'_>) -> Option<(Part, &'static str)> {
    if first.public_key != asked.key.public_key_der() {
        // Of a request the key is ours; of an import it was given.
        return Some(match asked.subject {
            Some(_) => (Part::Certificate, "must be for the key of the request"),
            None => (Part::Key, "must be the key of the certificate"),
        });
    }
    let uris: Vec<String> = asked.trust_domain.map(profile::uri).into_iter().collect();
    let needed = u32::from(asked.level.path_length());
    let room = match first.authority {
        Some(None) => true,
        Some(Some(length)) => length >= needed,
        None => false,
    };
    let checks = [
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
            asked
                .subject
                .is_none_or(|subject| same_name(subject, &first.subject)),
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
        .map(|(_, rule)| (Part::Certificate, rule))
}

/// The same name: signers write the text of a request anew, often as another kind of text (RFC 5280, 7.1).
fn same_name(asked: &[u8], given: &[u8]) -> bool {
    asked == given || attributes(asked).is_some_and(|asked| attributes(given) == Some(asked))
}

/// Attributes with their texts, in order. `None`: there are others than texts.
fn attributes(name: &[u8]) -> Option<Vec<Vec<(String, String)>>> {
    let Ok(([], name)) = X509Name::from_der(name) else {
        return None;
    };
    let parts = name.iter_rdn().map(|part| {
        let each = part.iter().map(|attribute| {
            let text = attribute.as_str().ok()?;
            Some((attribute.attr_type().to_id_string(), text.to_owned()))
        });
        each.collect()
    });
    parts.collect()
}

/// The first rule that the links of a chain break.
fn broken_link(chain: &[Certificate]) -> Option<(Part, &'static str)> {
    for (index, certificate) in chain.iter().enumerate() {
        let part = if index == 0 {
            Part::Certificate
        } else {
            Part::Chain
        };
        if let Some(weakness) = certificate.weakness {
            return Some((part, weakness));
        }
        if certificate.unknown_critical {
            return Some((
                part,
                "must have no critical extension that is not known here",
            ));
        }
    }
    chain
        .windows(2)
        .find_map(unlinked)
        .map(|rule| (Part::Chain, rule))
}

/// The rule that a certificate and the one that follows it break.
fn unlinked(pair: &[Certificate]) -> Option<&'static str> {
    let [lower, upper] = pair else { return None };
    if lower.issuer != upper.subject {
        return Some("must be in order: each certificate is followed by its issuer");
    }
    if lower.issuer_key_identifier.is_none() || lower.issuer_key_identifier != upper.key_identifier
    {
        return Some("must have key identifiers that link each certificate with its issuer");
    }
    (!lower.is_signed_by(upper)).then_some("must be signed by the certificate that follows")
}
