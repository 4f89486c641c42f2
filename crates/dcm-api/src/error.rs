//! The one mapping from kinds of errors to HTTP, and the problem document that tells them.
//!
//! A handler's error only rides in the response's extensions; [`crate::request`] renders it, because
//! only there the id of the request and what the caller accepts are known.

use axum::response::{IntoResponse, Response};
use dcm_types::{Fault, Kind, Violation, chain};
use dcm_wire::Refusal;
use dcm_wire::views::{FaultView, Problem};
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::negotiate::prefers_text;

/// What callers are told of a fault of ours.
const INTERNAL: &str =
    "something went wrong on our side; the log has it under the id of this request";

/// When there may be room for the answer to a request with a key: kept ones are swept as often.
const KEYS_RETRY: u32 = 300;

/// An error of a request.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    detail: String,
    hint: Option<String>,
    faults: Vec<Fault>,
    /// Seconds after which the same request may go better.
    retry_after: Option<u32>,
}

/// Status and title of each kind.
fn describe(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Kind::AlreadyExists => (StatusCode::CONFLICT, "Already exists"),
        Kind::Invalid => (StatusCode::BAD_REQUEST, "Invalid input"),
        Kind::Undecodable => (StatusCode::UNPROCESSABLE_ENTITY, "Undecodable body"),
        Kind::Conflict => (StatusCode::CONFLICT, "Conflict"),
        Kind::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "Precondition failed"),
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not authenticated"),
        Kind::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        Kind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "Timed out"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
    }
}

impl ApiError {
    /// An error of a kind.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, title) = describe(kind);
        Self {
            status,
            name: kind.as_str(),
            title,
            detail: detail.into(),
            hint: None,
            faults: Vec::new(),
            retry_after: (kind == Kind::Unavailable).then_some(1),
        }
    }

    /// An error that only HTTP knows.
    fn of_http(
        status: StatusCode,
        name: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            name,
            title,
            ..Self::new(Kind::Invalid, detail)
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Faults of a path, a query or a header.
    pub(crate) fn invalid(faults: Vec<Fault>) -> Self {
        Self::from(Refusal::invalid(faults))
    }

    /// One fault of a query or a header.
    pub(crate) fn parameter(name: &str, violation: Violation) -> Self {
        Self::invalid(vec![violation.at(name)])
    }

    /// A fault of ours of which callers are told nothing.
    pub(crate) fn internal() -> Self {
        Self::new(Kind::Internal, INTERNAL)
    }

    /// No route has this path.
    pub(crate) fn no_route() -> Self {
        Self::new(Kind::NotFound, "nothing is served at this path")
            .hint("the paths stand in /v2/openapi.json")
    }

    /// The path does not have this method; the header `Allow` is set by the router.
    pub(crate) fn method_not_allowed() -> Self {
        Self::of_http(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            "this path does not have this method; the header Allow names those it has",
        )
    }

    /// The body is not JSON by its own word.
    pub(crate) fn unsupported_media_type(detail: &str) -> Self {
        Self::of_http(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported media type",
            detail,
        )
        .hint("send application/json without Content-Encoding")
    }

    /// The body did not come in time.
    pub(crate) fn body_timed_out() -> Self {
        Self::of_http(
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            "Request timeout",
            "the body did not arrive in time",
        )
    }

    /// The body is larger than any that is taken.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            Kind::TooLarge,
            format!("the body is larger than {limit} bytes"),
        )
    }

    /// The route needs a body, and there is none.
    pub(crate) fn length_required() -> Self {
        Self::of_http(
            StatusCode::LENGTH_REQUIRED,
            "length-required",
            "Length required",
            "a body is needed here, and the request has neither Content-Length nor chunks",
        )
        .hint("send a JSON body with its Content-Length")
    }

    /// The path and the query are longer than any that is taken.
    pub(crate) fn uri_too_long(limit: usize) -> Self {
        Self::of_http(
            StatusCode::URI_TOO_LONG,
            "uri-too-long",
            "URI too long",
            format!("path and query are longer than {limit} bytes"),
        )
    }

    /// Nothing that is offered here is accepted by the caller.
    pub(crate) fn not_acceptable(offered: &[&str]) -> Self {
        let detail = format!("what is offered here is {}", offered.join(" or "));
        Self::of_http(
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            "Not acceptable",
            detail,
        )
        .hint("leave out Accept, or add one of these, or */*")
    }

    /// More than one address may ask for.
    pub(crate) fn too_many_requests(detail: impl Into<String>, retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::of_http(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many requests",
                detail,
            )
        }
    }

    /// More than this process answers at the same time.
    pub(crate) fn overloaded() -> Self {
        let detail = "too many requests are being answered at the moment";
        Self::new(Kind::Unavailable, detail).hint("try again in a moment")
    }

    /// The problem document.
    fn problem(self, request_id: &str) -> Problem {
        Problem {
            kind: format!("{}{}", Problem::TYPE_PREFIX, self.name),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            hint: self.hint,
            errors: self.faults.into_iter().map(FaultView::from).collect(),
            request_id: request_id.to_owned(),
        }
    }

    /// Writes the problem into a response: as text for those who accept nothing but text.
    pub(crate) fn render(self, request: &HeaderMap, request_id: &str, response: &mut Response) {
        let retry_after = self.retry_after;
        let problem = self.problem(request_id);
        let (media_type, body) = if prefers_text(request) {
            ("text/plain; charset=utf-8", as_text(&problem))
        } else {
            let json = serde_json::to_string(&problem).unwrap_or_default();
            ("application/problem+json", json)
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = body.into();
    }
}

/// The form of the later system: one line, or a list of faults below a first line.
fn as_text(problem: &Problem) -> String {
    let first = if problem.status == StatusCode::BAD_REQUEST.as_u16() {
        "Invalid Input:"
    } else {
        problem.detail.as_str()
    };
    match problem.errors.as_slice() {
        [] => {
            let hint = problem.hint.as_ref();
            let hint = hint.map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("{}{hint}\n", problem.detail)
        }
        [fault] => format!("{} {}\n", with_colon(first), line(fault)),
        faults => {
            let lines: Vec<String> = faults.iter().map(line).collect();
            format!("{}\n{}\n", with_colon(first), lines.join("\n"))
        }
    }
}

fn with_colon(text: &str) -> String {
    format!("{}:", text.trim_end_matches(':'))
}

fn line(fault: &FaultView) -> String {
    let hint = fault.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!(" ({hint})"));
    format!("{} {}{hint}", fault.field, fault.rule)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self {
            faults: refusal.faults,
            ..Self::new(refusal.kind, refusal.detail)
        }
    }
}

impl From<dcm_app::Refused> for ApiError {
    fn from(refused: dcm_app::Refused) -> Self {
        let header = "Idempotency-Key";
        match refused {
            dcm_app::Refused::Running => Self {
                retry_after: Some(1),
                ..Self::new(
                    Kind::Conflict,
                    "the first request with this Idempotency-Key is still running",
                )
                .hint("repeat it in a moment")
            },
            dcm_app::Refused::Reused => {
                let violation = Violation::hidden("was used for another request")
                    .hint("use a new key for each change, and the same one only to repeat it");
                Self {
                    faults: vec![violation.at(header)],
                    ..Self::of_http(
                        StatusCode::UNPROCESSABLE_ENTITY,
                        "idempotency-key-reused",
                        "Idempotency key reused",
                        "the Idempotency-Key was used for another request",
                    )
                }
            }
            dcm_app::Refused::TooMany { limit } => Self::too_many_requests(
                format!("answers to {limit} requests with an Idempotency-Key are kept already"),
                KEYS_RETRY,
            )
            .hint("each is kept for 24 hours; send the request without a key, or later"),
            dcm_app::Refused::Failed(error) => error.into(),
        }
    }
}

impl From<dcm_app::Error> for ApiError {
    fn from(error: dcm_app::Error) -> Self {
        if error.kind == Kind::Internal {
            tracing::error!(error = %chain(&error), "a use case failed");
            return Self::internal();
        }
        if error.kind == Kind::Unavailable {
            tracing::warn!(error = %chain(&error), "a use case could not be done now");
        }
        Self {
            hint: error.hint,
            faults: error.faults,
            ..Self::new(error.kind, error.message)
        }
    }
}
