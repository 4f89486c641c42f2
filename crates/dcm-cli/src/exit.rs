//! Exit codes and hints: the one place where kinds of failure become what a shell and a person see.

use dcm_types::Kind;

use crate::error::Error;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done.
    Done,
    /// Refused or failed.
    Failed,
    /// The command line cannot be understood. clap ends with the same number on its own.
    Usage,
    /// Accepted, but not true in time, or not true in every member.
    Unfinished,
}

impl Code {
    /// The number that the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unfinished => 3,
        }
    }
}

/// The exit code of an error.
pub(crate) fn code(error: &Error) -> Code {
    match error {
        Error::Refused(problem) => code_of_kind(problem.kind),
        Error::ServerAddress { .. } => Code::Usage,
        Error::TimedOut { .. } | Error::Degraded(_) => Code::Unfinished,
        Error::Connect { .. }
        | Error::NoAnswer { .. }
        | Error::Exchange { .. }
        | Error::Foreign { .. }
        | Error::Decode { .. }
        | Error::Encode(_)
        | Error::EncodeYaml(_)
        | Error::Manifests(_)
        | Error::Absent { .. }
        | Error::ReadFile { .. }
        | Error::WriteFile { .. }
        | Error::Output(_)
        | Error::NoBundle { .. }
        | Error::BadBundle { .. }
        | Error::BadRecord { .. }
        | Error::NoSuchMember { .. }
        | Error::ClientKey { .. }
        | Error::KeyIsKept
        | Error::Client(_) => Code::Failed,
    }
}

fn code_of_kind(kind: Kind) -> Code {
    match kind {
        Kind::TimedOut => Code::Unfinished,
        Kind::NotFound
        | Kind::AlreadyExists
        | Kind::Invalid
        | Kind::Undecodable
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::TooLarge
        | Kind::Unavailable
        | Kind::Internal => Code::Failed,
    }
}

/// What to do about an error, when there is something better to say than the error itself.
pub(crate) fn hint(error: &Error) -> Option<String> {
    let text = match error {
        Error::Refused(problem) => return problem.hint.clone().or_else(|| hint_of_kind(problem)),
        Error::ServerAddress { .. } => {
            "give --server or DCM_SERVER as 'http://HOST:PORT', for example http://127.0.0.1:9077"
        }
        Error::Connect { .. } => {
            "is `dcm serve` running? Start it, or name another server with --server or DCM_SERVER"
        }
        Error::NoAnswer { .. } => "the server may be busy: look at its log, then try again",
        Error::Exchange { .. } | Error::Foreign { .. } => {
            "check that --server or DCM_SERVER names a DCM server"
        }
        Error::Decode { .. } => {
            "server and client may be of different versions: compare `dcm --version`"
        }
        Error::NoSuchMember { .. } => {
            "`dcm logical-cloud status` lists the members; a reference counts from the next \
             `dcm logical-cloud instantiate` or `update` on"
        }
        Error::TimedOut { .. } => {
            "work goes on: `dcm logical-cloud status` shows it; --timeout waits longer"
        }
        Error::Degraded(_) => {
            "what is shown says what is wrong; work goes on as soon as it is mended"
        }
        Error::Manifests(_) => {
            "docs/files.md tells the two forms, and docs/examples has a file of each"
        }
        Error::NoBundle { .. } => {
            "give a folder with ca-cert.pem, ca-key.pem, cert-chain.pem and root-cert.pem, or what \
             `kubectl get secret cacerts -o yaml` prints"
        }
        Error::Absent { .. } => "`dcm apply -f` with the same files creates them",
        Error::KeyIsKept => "say with --client-key where it is",
        Error::ClientKey { .. } => {
            "the key must be the one that the user's present signing request was made with"
        }
        Error::Encode(_)
        | Error::BadBundle { .. }
        | Error::BadRecord { .. }
        | Error::EncodeYaml(_)
        | Error::ReadFile { .. }
        | Error::WriteFile { .. }
        | Error::Output(_)
        | Error::Client(_) => return None,
    };
    Some(text.to_owned())
}

fn hint_of_kind(problem: &crate::problem::Problem) -> Option<String> {
    let text = match problem.kind {
        Kind::PreconditionFailed => {
            "somebody else changed it meanwhile: read it again, then repeat"
        }
        Kind::Unavailable => "try again in a moment",
        Kind::TooLarge => "send less at once",
        Kind::Internal => {
            return Some(match problem.request_id.as_str() {
                "" => "the log of the server says more".to_owned(),
                id => format!("the log of the server says more: look for request {id}"),
            });
        }
        Kind::NotFound
        | Kind::AlreadyExists
        | Kind::Invalid
        | Kind::Undecodable
        | Kind::Conflict
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::TimedOut => return None,
    };
    Some(text.to_owned())
}
