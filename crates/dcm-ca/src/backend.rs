//! Who signs the certificate of an authority: one seam for all of them.
//!
//! ```text
//!   ItsOwn     it signs itself                  Somebody   a person carries the request away, and the answer back
//!   KeyHere    a key that is here signs: it     an issuer  asked over the network by the loop, never while a user
//!              was made here, or imported                  waits; implemented above this crate
//! ```
//!
//! Whatever comes back is believed only after every check of an answer: none of them is trusted to answer what was
//! asked.

mod inside;

use std::time::Duration;

use async_trait::async_trait;
use dcm_pki::authority::{AuthorityKey, Profile};
use dcm_types::Timestamp;

use crate::Error;

pub(crate) use inside::{ItsOwn, KeyHere, Somebody};

/// Signs certificates of authorities.
#[async_trait]
pub trait SigningBackend: Send + Sync + 'static {
    /// A fixed word for it, for the log and the record of key events.
    fn name(&self) -> &'static str;

    /// Signs what is asked for. The call is bounded in time by whoever implements it.
    async fn sign(&self, order: &SigningOrder<'_>) -> Result<Signed, SigningError>;
}

/// What is to be signed.
pub struct SigningOrder<'a> {
    /// PKCS#10, PEM: the key, the subject and the names.
    pub request_pem: &'a str,
    /// The common name in it.
    pub common_name: &'a str,
    /// The organisation in it.
    pub organization: &'a str,
    /// The unit in it.
    pub unit: Option<&'a str>,
    /// The trust domain whose URI is its one alternative name.
    pub trust_domain: Option<&'a str>,
    /// How many authorities may follow below it.
    pub path_length: u8,
    /// How long it is wished to be valid.
    pub life: Duration,
    /// Now.
    pub now: Timestamp,
    /// For those that sign in this crate.
    pub(crate) inside: Option<(&'a Profile, &'a AuthorityKey)>,
}

/// What a back end is asked for. With a key, which only those in this crate see.
pub(crate) fn order_of<'a>(
    profile: &'a Profile,
    request_pem: &'a str,
    key: Option<&'a AuthorityKey>,
) -> SigningOrder<'a> {
    let life = profile.not_after.duration_since(profile.now);
    SigningOrder {
        request_pem,
        common_name: &profile.subject.common_name,
        organization: &profile.subject.organization,
        unit: profile.subject.unit.as_deref(),
        trust_domain: profile.trust_domain.as_deref(),
        path_length: profile.level.path_length(),
        life: Duration::try_from(life).unwrap_or_default(),
        now: profile.now,
        inside: key.map(|key| (profile, key)),
    }
}

/// What a back end did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// The certificate, PEM, then those above it.
    Chain(String),
    /// It answers by another way, later.
    Later,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There was no answer: it may be asked again soon.
    #[error("the issuer did not answer: {0}")]
    Unanswered(String),
    /// It said no. Somebody has to see to it, so it is asked again later.
    #[error("the issuer refused: {0}")]
    Refused(String),
    /// What it said cannot be used.
    #[error("the answer of the issuer cannot be used: {0}")]
    Unusable(String),
    /// It could not be done here.
    #[error(transparent)]
    Here(#[from] Error),
}

impl SigningError {
    /// Others that ask now would get no answer either.
    pub fn is_about_all(&self) -> bool {
        matches!(self, Self::Unanswered(_))
    }

    /// A fixed word for the log.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Unanswered(_) => "unanswered",
            Self::Refused(_) => "refused",
            Self::Unusable(_) => "unusable",
            Self::Here(_) => "internal",
        }
    }
}
