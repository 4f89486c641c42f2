//! Answers: a body of JSON, and the headers that go with it.

use axum::response::{IntoResponse, Response};
use dcm_app::Written;
use dcm_wire::UnknownMember;
use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, WARNING};
use serde::Serialize;

use crate::error::ApiError;

/// An answer in the making.
pub(crate) struct Answer(Response);

impl Answer {
    /// An answer with a body.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(mut text) => {
                text.push('\n');
                let media_type = HeaderValue::from_static("application/json");
                Self((status, [(CONTENT_TYPE, media_type)], text).into_response())
            }
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Self(ApiError::internal().into_response())
            }
        }
    }

    /// 200 with a document and its version.
    pub(crate) fn found(version: u64, body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body).version(version)
    }

    /// 201 with a document, its version and its place.
    pub(crate) fn created(version: u64, location: &str, body: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, body)
            .version(version)
            .header(LOCATION, location)
    }

    /// 201 when the write created the document, otherwise 200.
    pub(crate) fn written<D>(written: &Written<D>, location: &str, body: &impl Serialize) -> Self {
        if written.created {
            Self::created(written.saved.version, location, body)
        } else {
            Self::found(written.saved.version, body)
        }
    }

    /// 202 with what was accepted, and the path of the status that will show it done.
    pub(crate) fn accepted(status_path: &str, body: &impl Serialize) -> Self {
        Self::json(StatusCode::ACCEPTED, body).header(LOCATION, status_path)
    }

    /// 204.
    pub(crate) fn deleted() -> Response {
        StatusCode::NO_CONTENT.into_response()
    }

    /// Adds the strong entity tag of a version.
    fn version(self, version: u64) -> Self {
        self.header(ETAG, &format!("\"{version}\""))
    }

    /// Says that the body is of another type of JSON.
    pub(crate) fn media_type(mut self, name: &'static str) -> Self {
        let headers = self.0.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(name));
        self
    }

    /// Adds a header whose value is made of validated names and digits.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.0.headers_mut().append(name, value);
            }
            Err(error) => tracing::error!(%error, header = %name, "a header could not be written"),
        }
        self
    }

    /// Tells members that nobody knows, one header each, in the form that Kubernetes uses.
    pub(crate) fn warnings(self, unknown: &[UnknownMember]) -> Self {
        self.notes(unknown.iter().map(ToString::to_string))
    }

    /// Tells what the caller should know of a write that was done, one header each.
    pub(crate) fn notes(self, notes: impl IntoIterator<Item = String>) -> Self {
        notes.into_iter().fold(self, |answer, note| {
            answer.header(WARNING, &format!("299 - \"{}\"", quoted(&note)))
        })
    }
}

/// Text inside a quoted string of a header: ASCII only, with quotes and backslashes escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        answer.0
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        self.0
    }
}
