//! Errors of the driver as errors of a store. None of its types goes further than here.

use std::time::Duration;

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use crate::store::Error;

/// What the driver or the server said.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Said {
    message: String,
}

/// It did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs())]
struct Late(Duration);

/// Codes of the server.
pub(super) mod code {
    pub(crate) const UNAUTHORIZED: i32 = 13;
    pub(crate) const AUTHENTICATION_FAILED: i32 = 18;
    pub(crate) const WRITE_CONFLICT: i32 = 112;
    pub(crate) const HISTORY_LOST: i32 = 286;
    pub(crate) const DUPLICATE_KEY: i32 = 11_000;
    pub(crate) const NO_SPACE: i32 = 14_031;
    pub(crate) const NO_CHANGE_STREAMS: i32 = 40_573;
}

/// Codes by which a server says that it ends, is no primary any more, or is too busy.
const PASSING: &[i32] = &[
    6, 7, 24, 50, 64, 89, 91, 112, 134, 189, 202, 246, 251, 262, 290, 9001, 10_107, 11_600, 11_602,
    13_435, 13_436,
];

/// Labels by which server or driver say that the same may work later.
const PASSING_LABELS: &[&str] = &[
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
    "RetryableError",
    "SystemOverloadedError",
];

/// Sorts an error into those that may pass and those that stay.
pub(super) fn fault(doing: &'static str, error: &DriverError) -> Error {
    let source = Box::new(Said {
        message: words(error),
    });
    if code_of(error) == Some(code::NO_SPACE) {
        return Error::Full { doing, source };
    }
    if passes(error) {
        return Error::Unavailable { doing, source };
    }
    Error::Backend { doing, source }
}

/// It took too long.
pub(super) fn late(doing: &'static str, allowed: Duration) -> Error {
    Error::Unavailable {
        doing,
        source: Box::new(Late(allowed)),
    }
}

/// A reply that is not what the command answers.
pub(super) fn misunderstood(doing: &'static str, message: impl Into<String>) -> Error {
    Error::Backend {
        doing,
        source: Box::new(Said {
            message: message.into(),
        }),
    }
}

/// The code that the server gave, wherever it stands in the reply.
pub(super) fn code_of(error: &DriverError) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        _ => None,
    }
}

/// Whether the same call may succeed later.
pub(super) fn passes(error: &DriverError) -> bool {
    let kind = match error.kind.as_ref() {
        ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::DnsResolve { .. } => true,
        _ => code_of(error).is_some_and(|code| PASSING.contains(&code)),
    };
    kind || PASSING_LABELS
        .iter()
        .any(|label| error.contains_label(label))
}

fn words(error: &DriverError) -> String {
    let denied = matches!(error.kind.as_ref(), ErrorKind::Authentication { .. })
        || matches!(
            code_of(error),
            Some(code::AUTHENTICATION_FAILED | code::UNAUTHORIZED)
        );
    let text = error.kind.to_string();
    if denied {
        return format!(
            "the server does not let us in: {text}; look at the user, the password and 'authSource' of the URI, and \
             at the user's role 'readWrite' on the database"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_network_does_may_pass_and_what_we_asked_wrongly_stays() {
        let network = DriverError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(fault("test", &network).retryable());
        let ours = DriverError::custom("ours");
        assert!(!fault("test", &ours).retryable());
        assert!(late("test", Duration::from_secs(3)).retryable());
    }
}
