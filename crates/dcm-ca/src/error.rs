//! Why the CA controller could not do what it was asked for.

use dcm_pki::authority::Part;
use dcm_types::ports::PortError;
use dcm_types::{Fault, Kind, Violation, chain};

use crate::backend::SigningError;

/// Why something was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is told so.
    #[error("{message} ({hint})")]
    Refused {
        /// What kind of refusal.
        kind: Kind,
        /// What is refused, and why.
        message: String,
        /// What to do.
        hint: String,
    },
    /// What the caller gave breaks rules.
    #[error("{}", sentence(.0))]
    Invalid(Vec<Fault>),
    /// Something that was read changed before the commit: the whole may be tried again.
    #[error("the authority was changed by others at the same time")]
    Raced,
    /// Too many slow keys are being made.
    #[error("too many RSA keys are being made")]
    Busy,
    /// A certificate could not be made, or is not taken.
    #[error("make or take a certificate")]
    Authority(#[source] dcm_pki::authority::Error),
    /// What was made is not good; it was thrown away.
    #[error("what was made is refused by the judge of bundles: {0}")]
    Judged(String),
    /// What is stored cannot be read as what it is.
    #[error("read the stored {what}: {rule}")]
    Stored {
        /// What was read.
        what: &'static str,
        /// The rule that it breaks.
        rule: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(dcm_store::Error),
    /// A key could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] dcm_store::vault::Error),
    /// A back end did not sign.
    #[error("have a certificate signed")]
    Signing(#[source] Box<SigningError>),
    /// A task that makes keys was ended.
    #[error("wait for a key")]
    Ended(#[source] tokio::task::JoinError),
}

impl From<dcm_store::Error> for Error {
    fn from(source: dcm_store::Error) -> Self {
        match source {
            dcm_store::Error::Precondition { .. } => Self::Raced,
            other => Self::Store(other),
        }
    }
}

impl From<SigningError> for Error {
    fn from(source: SigningError) -> Self {
        match source {
            SigningError::Here(error) => error,
            other => Self::Signing(Box::new(other)),
        }
    }
}

impl From<dcm_pki::authority::Error> for Error {
    fn from(source: dcm_pki::authority::Error) -> Self {
        Self::Authority(source)
    }
}

impl Error {
    pub(crate) fn refused(kind: Kind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused {
            kind,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn missing(what: &str) -> Self {
        let hint = "bundles of a cloud are there once its mesh is prepared";
        Self::refused(Kind::NotFound, format!("{what} does not exist"), hint)
    }

    pub(crate) fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::refused(Kind::Conflict, message, hint)
    }

    /// A field of what the caller gave breaks a rule.
    pub(crate) fn invalid(field: &str, rule: impl Into<String>, hint: &str) -> Self {
        Self::Invalid(vec![Violation::hidden(rule).hint(hint).at(field)])
    }

    /// What the caller gave, or what a signer answered, breaks a rule.
    pub(crate) fn answer(source: &dcm_pki::authority::Error) -> Self {
        use dcm_pki::authority::Error as Broken;
        let (part, rule) = match source {
            Broken::Answer { part, rule } => (*part, (*rule).to_owned()),
            Broken::ReadKey(rule) => (Part::Key, (*rule).to_owned()),
            Broken::Unverified(why) => {
                let rule = format!("must verify up to the certificate to be trusted: {why}");
                (Part::Chain, rule)
            }
            other => (Part::Certificate, other.to_string()),
        };
        let (field, hint) = match part {
            Part::Certificate => (
                "certificate",
                "ask its signer for one that is what was requested",
            ),
            Part::Chain => (
                "chain",
                "give those above it, its issuer first, up to the one to be trusted",
            ),
            Part::Key => ("key", "give the unencrypted key of the certificate, in PEM"),
        };
        Self::invalid(field, rule, hint)
    }

    /// The same call may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Raced | Self::Busy => true,
            Self::Store(source) => source.retryable(),
            Self::Refused { kind, .. } => *kind == Kind::Unavailable,
            _ => false,
        }
    }

    /// Which kind it is for a caller.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Refused { kind, .. } => *kind,
            Self::Invalid(_) => Kind::Invalid,
            Self::Raced => Kind::Conflict,
            Self::Busy => Kind::Unavailable,
            Self::Store(source) if source.retryable() => Kind::Unavailable,
            _ => Kind::Internal,
        }
    }
}

impl From<Error> for PortError {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let message = match kind {
            Kind::Internal => {
                tracing::error!(error = chain(&error), "the CA controller failed");
                "the CA controller failed; its log says why".to_owned()
            }
            _ => error.to_string(),
        };
        let faults = match error {
            Error::Invalid(faults) => faults,
            _ => Vec::new(),
        };
        Self::new(kind, message).faults(faults)
    }
}

/// All faults in one line.
fn sentence(faults: &[Fault]) -> String {
    let each: Vec<String> = faults.iter().map(ToString::to_string).collect();
    each.join("; ")
}
