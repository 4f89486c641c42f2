//! Kinds of errors and the statuses of gRPC: the one mapping, both ways.
//!
//! A status of ours carries a `Problem` with the exact kind and the faults. One without comes from the
//! transport: the controller did not answer.

use std::borrow::Cow;

use dcm_types::ports::PortError;
use dcm_types::{Fault, Kind};
use prost::Message as _;
use serde::Deserialize as _;
use serde::de::value::{Error as Unknown, StrDeserializer};
use tonic::{Code, Status};

use crate::v1;

const TYPE: &str = "type.googleapis.com/dcm.ca.v1.Problem";
/// Longest message that is sent, in bytes, and most faults: a status travels in a header.
const MESSAGE_LIMIT: usize = 1024;
const FAULT_LIMIT: usize = 12;

fn code(kind: Kind) -> Code {
    match kind {
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::Invalid | Kind::Undecodable => Code::InvalidArgument,
        Kind::Conflict | Kind::PreconditionFailed => Code::FailedPrecondition,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::TooLarge => Code::ResourceExhausted,
        Kind::TimedOut => Code::DeadlineExceeded,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
    }
}

/// What the transport says, in words of ours.
fn of_transport(code: Code) -> (Kind, &'static str) {
    match code {
        // Also a connection that broke before the answer.
        Code::Unavailable | Code::Unknown => (
            Kind::Unavailable,
            "the CA controller cannot be reached; see whether it runs and where its socket is",
        ),
        Code::DeadlineExceeded | Code::Cancelled => {
            (Kind::TimedOut, "the CA controller did not answer in time")
        }
        Code::ResourceExhausted | Code::OutOfRange => (
            Kind::TooLarge,
            "a message to or from the CA controller is too large",
        ),
        Code::Unimplemented => (
            Kind::Internal,
            "the CA controller does not know this call: it is older than its caller",
        ),
        Code::NotFound => (Kind::NotFound, "the CA controller does not have it"),
        Code::AlreadyExists => (Kind::AlreadyExists, "the CA controller has it already"),
        Code::InvalidArgument => (Kind::Invalid, "the CA controller refused the input"),
        Code::FailedPrecondition | Code::Aborted => {
            (Kind::Conflict, "the CA controller is in another state")
        }
        Code::PermissionDenied => (Kind::Forbidden, "the CA controller does not allow it"),
        Code::Unauthenticated => (Kind::Unauthenticated, "the CA controller does not know us"),
        Code::Ok | Code::Internal | Code::DataLoss => {
            (Kind::Internal, "the call to the CA controller failed")
        }
    }
}

/// The status of a failure of the controller.
pub(crate) fn refused(error: &PortError) -> Status {
    status(error.kind, &error.message, &error.faults)
}

/// The status of a request that breaks rules.
pub(crate) fn invalid(faults: &[Fault]) -> Status {
    status(Kind::Invalid, &sentence(faults), faults)
}

/// The status of a fault of ours; what it is stands in the log.
pub(crate) fn internal() -> Status {
    let message = "the CA controller failed; its log says why";
    status(Kind::Internal, message, &[])
}

fn status(kind: Kind, message: &str, faults: &[Fault]) -> Status {
    let message = shortened(message);
    let faults = faults.iter().take(FAULT_LIMIT);
    let faults = faults.map(|fault| v1::problem::Fault {
        field: fault.field.clone(),
        rule: fault.rule.clone(),
        got: fault.got.clone(),
        hint: fault.hint.clone(),
    });
    let problem = v1::Problem {
        kind: kind.as_str().to_owned(),
        faults: faults.collect(),
    };
    let details = v1::ErrorStatus {
        code: code(kind).into(),
        message: message.clone().into_owned(),
        details: vec![prost_types::Any {
            type_url: TYPE.to_owned(),
            value: problem.encode_to_vec(),
        }],
    };
    Status::with_details(code(kind), message, details.encode_to_vec().into())
}

/// What a caller of the port is told.
pub(crate) fn port_error(status: &Status) -> PortError {
    let (kind, message) = of_transport(status.code());
    if let Some(problem) = problem(status) {
        let kind = kind_of(&problem).unwrap_or(kind);
        let faults = problem.faults.into_iter().map(fault).collect();
        return PortError::new(kind, status.message()).faults(faults);
    }
    PortError::new(kind, message)
}

fn fault(told: v1::problem::Fault) -> Fault {
    Fault {
        field: told.field,
        rule: told.rule,
        got: told.got,
        hint: told.hint,
    }
}

/// The controller did not answer, and may be asked again.
pub(crate) fn is_unanswered(status: &Status) -> bool {
    problem(status).is_none() && matches!(status.code(), Code::Unavailable | Code::Unknown)
}

fn problem(status: &Status) -> Option<v1::Problem> {
    let details = v1::ErrorStatus::decode(status.details()).ok()?;
    let found = details.details.iter().find(|any| any.type_url == TYPE)?;
    v1::Problem::decode(found.value.as_slice()).ok()
}

/// `None`: a newer controller has kinds that are not known here.
fn kind_of(problem: &v1::Problem) -> Option<Kind> {
    Kind::deserialize(StrDeserializer::<Unknown>::new(&problem.kind)).ok()
}

/// All faults in one line.
pub(crate) fn sentence(faults: &[Fault]) -> String {
    let each: Vec<String> = faults.iter().map(ToString::to_string).collect();
    each.join("; ")
}

fn shortened(message: &str) -> Cow<'_, str> {
    if message.len() <= MESSAGE_LIMIT {
        return Cow::Borrowed(message);
    }
    let end = message.floor_char_boundary(MESSAGE_LIMIT);
    Cow::Owned(format!("{}…", message.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use dcm_types::Violation;

    use super::*;

    #[test]
    fn every_kind_comes_back_as_what_it_was() {
        for kind in Kind::ALL {
            let error = PortError::new(kind, format!("it is {}", kind.as_str()));
            assert_eq!(port_error(&refused(&error)), error);
            assert!(!is_unanswered(&refused(&error)), "{kind:?}");
        }
    }

    #[test]
    fn faults_travel_with_field_rule_and_hint() {
        let fault = Violation::new("must be short", "long")
            .hint("cut it")
            .at("target");
        let status = invalid(std::slice::from_ref(&fault));
        assert_eq!(status.code(), Code::InvalidArgument);
        let sent = problem(&status).unwrap().faults;
        assert_eq!(sent.len(), 1);
        let sent = (&sent[0].field, &sent[0].rule, &sent[0].got, &sent[0].hint);
        assert_eq!(sent, (&fault.field, &fault.rule, &fault.got, &fault.hint));
        let heard = port_error(&status);
        assert_eq!(heard.message, "target must be short (cut it)");
        assert_eq!(heard.faults, [fault]);
    }

    #[test]
    fn what_the_transport_says_is_never_shown() {
        for code in (0..=16).map(Code::from_i32) {
            let error = port_error(&Status::new(code, "canary"));
            assert!(!error.message.contains("canary"), "{code:?}");
            assert!(!error.message.is_empty(), "{code:?}");
        }
    }

    #[test]
    fn a_kind_that_is_not_known_falls_back_to_its_code() {
        let problem = v1::Problem {
            kind: "from-the-future".to_owned(),
            faults: Vec::new(),
        };
        assert_eq!(kind_of(&problem), None);
    }

    #[test]
    fn a_long_message_is_cut_where_a_character_ends() {
        let cut = shortened(&"ä".repeat(MESSAGE_LIMIT)).into_owned();
        assert!(cut.len() <= MESSAGE_LIMIT + '…'.len_utf8());
        assert!(cut.ends_with("ä…"));
    }
}
