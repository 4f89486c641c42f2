//! What the server says when it refuses: `application/problem+json` (RFC 9457).

use dcm_types::Kind;
use dcm_wire::views::{FaultView, Problem as ProblemDocument};

/// A refusal of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its kind, from the type or else from the status.
    pub(crate) kind: Kind,
    /// The kind in words.
    title: String,
    /// What exactly.
    detail: String,
    /// Field by field.
    pub(crate) faults: Vec<FaultView>,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// Finds the request in the server's log.
    pub(crate) request_id: String,
}

impl Problem {
    /// Reads a problem; `None` when the body is not one.
    pub(crate) fn read(status: u16, body: &[u8]) -> Option<Self> {
        let document: ProblemDocument = serde_json::from_slice(body).ok()?;
        Some(Self {
            kind: kind_of_type(&document.kind).unwrap_or_else(|| kind_of_status(status)),
            title: document.title,
            detail: document.detail,
            faults: document.errors,
            hint: document.hint.filter(|hint| !hint.is_empty()),
            request_id: document.request_id,
        })
    }

    /// The line after `error: `. The detail repeats the faults when there are any; then the title
    /// is enough.
    pub(crate) fn summary(&self) -> String {
        if self.detail.is_empty() || (!self.faults.is_empty() && !self.title.is_empty()) {
            return self.title.clone();
        }
        self.detail.clone()
    }
}

/// The last part of the type is the kind, whether it is a URI, a URN or the bare word.
fn kind_of_type(text: &str) -> Option<Kind> {
    let word = text.rsplit(['/', ':', '#']).next()?;
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

fn kind_of_status(status: u16) -> Kind {
    match status {
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        408 | 504 => Kind::TimedOut,
        409 => Kind::Conflict,
        412 => Kind::PreconditionFailed,
        413 => Kind::TooLarge,
        422 => Kind::Undecodable,
        429 | 503 => Kind::Unavailable,
        400..=499 => Kind::Invalid,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: &str) -> Vec<u8> {
        format!(r#"{{"type":"{kind}","title":"x","status":400,"detail":"y"}}"#).into_bytes()
    }

    #[test]
    fn kind_comes_from_the_type_and_else_from_the_status() {
        let by_type = Problem::read(409, &document("urn:dcm:problem:already-exists"));
        assert_eq!(by_type.unwrap().kind, Kind::AlreadyExists);
        let by_status = Problem::read(503, &document("about:blank"));
        assert_eq!(by_status.unwrap().kind, Kind::Unavailable);
    }

    #[test]
    fn other_json_is_no_problem_document() {
        assert_eq!(Problem::read(502, br#"{"message":"bad gateway"}"#), None);
        assert_eq!(Problem::read(502, b"<html>"), None);
    }
}
