//! Certificate authorities of logical clouds: an organisation's root, a cloud's anchor, an edge's intermediate.
//!
//! ```text
//!   key         key pairs of every algorithm        profile      what stands in a certificate of each level
//!   issue       build, read back, verify            revocation   lists of revoked certificates
//!   facts       what a certificate says, strictly   verify       by a second library, as a peer would
//!   request     for others to sign                  answer       what others signed: is it what was asked?
//! ```
//!
//! Invariant: a certificate leaves this module only after it was read back, compared with what was asked
//! for, and a leaf under it was verified up to the anchor by another library than the one that built it.

pub mod answer;
pub mod facts;
pub mod issue;
pub mod key;
pub mod profile;
pub mod request;
pub mod revocation;
pub mod verify;

pub use answer::{Asked, Part, check_answer};
pub use facts::{Certificate, certificates};
pub use issue::{Issued, Issuer, issue, self_sign};
pub use key::AuthorityKey;
pub use profile::{Level, Profile, Serial, Subject};
pub use request::{AuthorityRequest, authority_request};
pub use revocation::{RevocationList, Revoked, revocation_list};
pub use verify::{Chain, verify_chain};

/// Why a certificate authority could not be made, or is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cryptographic library could not make a key.
    #[error("generate a key of kind {0}")]
    GenerateKey(&'static str),
    /// The text is not one unencrypted private key of a kind that authorities may have.
    #[error("read the key of a certificate authority: {0}")]
    ReadKey(&'static str),
    /// What was asked for breaks a rule.
    #[error("what was asked for cannot be issued: it {0}")]
    Asked(String),
    /// The library refused to build it.
    #[error("build a certificate, a request or a list of revoked certificates")]
    Build(#[source] rcgen::Error),
    /// What was built is not what was asked for; it is thrown away.
    #[error("what was built is not what was asked for: it {0}")]
    Built(&'static str),
    /// A text or a certificate in it breaks a rule.
    #[error("{what}: {rule}")]
    Unreadable {
        /// What was read.
        what: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// What somebody else signed, or a key that was given with it, breaks a rule.
    #[error("the {}: {rule}", part.as_str())]
    Answer {
        /// Which part of what was given.
        part: Part,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A leaf under it would not be accepted by its peers.
    #[error("a certificate under it is not verified up to the anchor: {0}")]
    Unverified(String),
}
