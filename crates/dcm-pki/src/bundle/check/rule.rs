//! The rules of a bundle: what breaks when one is broken, and what to do.

use std::fmt;

/// How bad it is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The control plane does not start, or does not take it.
    Refused,
    /// The control plane takes it, and workloads refuse each other.
    Breaks,
    /// It works now, and will not go on working, or trusts too much.
    Risky,
}

impl Severity {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Breaks => "breaks",
            Self::Risky => "risky",
        }
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which one.
    pub rule: Rule,
    /// The file that breaks it.
    pub file: &'static str,
    /// What was found. It never quotes a key.
    pub message: String,
}

impl Finding {
    pub(super) fn new(rule: Rule, file: &'static str, message: impl Into<String>) -> Self {
        Self {
            rule,
            file,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.file, self.message)
    }
}

macro_rules! rules {
    ($($name:ident $severity:ident $hint:literal,)*) => {
        /// A rule of a bundle. The name is its stable label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the hint of each says what it is about")]
        pub enum Rule { $($name,)* }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Stable label.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// How bad it is when it is broken.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What to do.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)* }
            }
        }
    };
}

rules! {
    Unreadable Refused "write the file anew, as PEM",
    CertificateMissing Refused "put exactly the signing certificate into ca-cert.pem",
    KeyEncrypted Refused "store the key unencrypted: the Secret is what protects it",
    KeyUnusable Refused "use an ECDSA P-256 or P-384, RSA (2048 bits or more) or Ed25519 key",
    KeyMismatch Refused "the key must be the one that the certificate was made for",
    NotAuthority Refused "the certificate must be a certificate authority (basicConstraints CA:TRUE)",
    MayNotSign Refused "give the certificate the key usage keyCertSign",
    PathLength Refused "every authority must leave room for those below it; an edge's needs pathlen 0 or more",
    Expired Refused "renew it, and everything below it",
    NotYetValid Refused "wait, or set the clock",
    Weak Refused "sign with SHA-256 or better, and use RSA keys of at least 2048 bits",
    Unanchored Refused "root-cert.pem must hold the certificate that the chain leads to",
    AnchorsMissing Refused "put what peers shall trust into root-cert.pem",
    ListMissing Refused "ca-crl.pem needs a list of every issuer in the chain, also an empty one",
    ListUnsigned Refused "each list must be signed by the issuer whose name it has, with the key usage cRLSign",
    SeveralCertificates Breaks "only the first certificate of ca-cert.pem is read: put the others into cert-chain.pem",
    ChainWithoutCertificate Breaks "cert-chain.pem must begin with the certificate of ca-cert.pem: it is sent after each leaf",
    ChainOrder Breaks "each certificate of cert-chain.pem must be followed by its issuer",
    ChainBroken Breaks "each certificate of cert-chain.pem must be signed by the one that follows",
    KeyIdentifiers Breaks "give each certificate the key identifier of its issuer, as it is printed there",
    UnknownCritical Breaks "take the critical extension away that verifiers do not know",
    Purposes Breaks "take the extended key usage away: some verifiers read it as a limit for everything below",
    SubjectEmpty Breaks "give the certificate a subject",
    Revoked Breaks "replace the certificate: one of the lists revokes it",
    ListExpired Breaks "make the list anew: one that is over may cut the whole mesh",
    SerialRepeated Breaks "an issuer must never use a number twice",
    OutlivesIssuer Risky "end it before its issuer ends",
    EndsTooSoon Risky "renew it: leaves signed now would end before they can be replaced everywhere",
    NotCritical Risky "make the basic constraints critical",
    NoPathLength Risky "limit the path length to 0, so that a stolen key makes no other authorities",
    MayNotSignLists Risky "give the certificate the key usage cRLSign, or nothing below it can be revoked",
    NameConstraints Risky "verifiers that do not know URI constraints refuse the whole chain, among them ztunnel",
    NotPlainText Risky "write the file without a byte order mark and with plain line feeds",
    KeyShared Risky "every edge needs a key of its own: who has one could sign for the other",
    SubjectReused Risky "a new key needs a new subject: count generations in the common name",
}
