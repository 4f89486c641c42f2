//! Answers that tell an error, as the document tells them.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Object, Ref, RefOr, Type};

/// Errors of a read.
pub(crate) struct ReadProblems;

/// Errors of a write with a body.
pub(crate) struct WriteProblems;

/// Errors of a deletion.
pub(crate) struct DeleteProblems;

/// Errors of an action on a logical cloud.
pub(crate) struct ActionProblems;

/// Told by the HTTP library itself, before there is a request that could be answered: without a body.
pub(super) const HEAD_TOO_LARGE: u16 = 431;

/// Every status with which an error is told, and what it means; they stand once in the document.
const STATUSES: [(u16, &str); 15] = [
    (400, "A value breaks a rule; `errors` names every field"),
    (
        403,
        "The policy of the project refuses it; `hint` says which",
    ),
    (404, "It, or its parent, does not exist"),
    (406, "Nothing that is offered is accepted by `Accept`"),
    (408, "The body did not arrive in time"),
    (
        409,
        "It exists already, or the present state does not allow this",
    ),
    (
        411,
        "A body is needed, and the request has neither a length nor chunks",
    ),
    (412, "`If-Match` does not hold"),
    (413, "The body is larger than 1 MiB"),
    (414, "Path and query are longer than 16 KiB"),
    (415, "The body is not JSON by its own word"),
    (
        422,
        "The body is not one JSON value, a member has the wrong type, or the `Idempotency-Key` was used for \
         another request",
    ),
    (
        429,
        "More requests than one address may send, or more keys than are kept; `Retry-After` tells when to \
         come back",
    ),
    (
        500,
        "A fault of ours; the log has it under the id of the request",
    ),
    (503, "Try again later"),
];

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 500, 503])
    }
}

impl IntoResponses for DeleteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 409, 412, 500, 503])
    }
}

impl IntoResponses for ActionProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 403, 404, 409, 500, 503])
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 403, 404, 408, 409, 412, 413, 415, 422, 500, 503])
    }
}

pub(super) fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses
        .iter()
        .map(|status| {
            let told = Ref::from_response_name(component(*status));
            (status.to_string(), RefOr::Ref(told))
        })
        .collect()
}

pub(super) fn component(status: u16) -> String {
    format!("Problem{status}")
}

/// Adds what the routes refer to.
pub(super) fn with_problems(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let components = document.components.get_or_insert_default();
    for (status, description) in STATUSES {
        let response = problem(description).into();
        components.responses.insert(component(status), response);
    }
    let bare = ResponseBuilder::new()
        .description("The head of the request is longer than 32 KiB; there is no body")
        .build();
    let name = component(HEAD_TOO_LARGE);
    components.responses.insert(name, bare.into());
    document
}

fn problem(description: &str) -> Response {
    let id = HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::String)))
        .description(Some("Id of the request, also in the log"))
        .build();
    let schema = Ref::from_schema_name("Problem");
    ResponseBuilder::new()
        .description(description)
        .header("X-Request-Id", id)
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}
