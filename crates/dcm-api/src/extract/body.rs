//! The body of a write: bounded in size and time, JSON by its own word or by silence.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Request};
use dcm_app::{Precondition, Principal};
use dcm_types::Violation;
use dcm_wire::{Decoded, FieldValidation, Refusal};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::query::Parameters;
use super::{Caller, precondition};
use crate::error::ApiError;

/// Largest body that is read, in bytes (T35).
const BODY_LIMIT: usize = 1024 * 1024;

/// How long a body may take to arrive (T35); set for each connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyTime(pub(crate) Duration);

impl BodyTime {
    /// The time when nothing else was set.
    pub(crate) const DEFAULT: Duration = Duration::from_secs(30);
}

/// A write: who, on which condition, and the bytes.
pub(crate) struct Write {
    /// The caller.
    pub(crate) principal: Principal,
    /// `If-Match`.
    pub(crate) precondition: Precondition,
    validation: FieldValidation,
    bytes: Bytes,
}

impl Write {
    /// Reads the body with a reader of `dcm-wire`.
    pub(crate) fn decode<D>(
        &self,
        read: impl FnOnce(&[u8], FieldValidation) -> Result<Decoded<D>, Refusal>,
    ) -> Result<Decoded<D>, ApiError> {
        Ok(read(&self.bytes, self.validation)?)
    }

    /// The bytes; a copy of them is cheap.
    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

impl<S: Send + Sync> FromRequest<S> for Write {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        check_media_type(request.headers())?;
        receive(request, state).await
    }
}

/// Receives a body of any media type.
pub(super) async fn receive<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Write, ApiError> {
    let (mut parts, body) = request.into_parts();
    check_bounds(&parts.headers, &body)?;
    let query = Parameters::of(&parts)?;
    let validation = query.parse("fieldValidation", FieldValidation::parse)?;
    let precondition = precondition::read(&parts.headers)?;
    let Ok(Caller(principal)) = Caller::from_request_parts(&mut parts, state).await;
    let bytes = collect(&parts, body).await?;
    Ok(Write {
        principal,
        precondition,
        validation: validation.unwrap_or_default(),
        bytes,
    })
}

/// Receives a body, whether the route reads one or not.
pub(crate) async fn receive_bytes(parts: &Parts, body: Body) -> Result<Bytes, ApiError> {
    check_encoding(&parts.headers)?;
    check_length(&parts.headers)?;
    collect(parts, body).await
}

async fn collect(parts: &Parts, body: Body) -> Result<Bytes, ApiError> {
    let time = parts.extensions.get::<BodyTime>();
    let time = time.map_or(BodyTime::DEFAULT, |set| set.0);
    let read = Limited::new(body, BODY_LIMIT).collect();
    let collected = tokio::time::timeout(time, read)
        .await
        .map_err(|_| ApiError::body_timed_out())?;
    Ok(collected.map_err(|error| broken_body(&*error))?.to_bytes())
}

fn check_bounds(headers: &HeaderMap, body: &Body) -> Result<(), ApiError> {
    check_encoding(headers)?;
    check_length(headers)?;
    check_presence(headers, body)
}

/// Without a length and without chunks HTTP/1.1 knows of no body; one is needed here (RFC 9110, 15.5.12).
fn check_presence(headers: &HeaderMap, body: &Body) -> Result<(), ApiError> {
    let told = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    if told || !body.is_end_stream() {
        return Ok(());
    }
    Err(ApiError::length_required())
}

fn broken_body(error: &(dyn std::error::Error + 'static)) -> ApiError {
    if error.is::<LengthLimitError>() {
        return ApiError::too_large(BODY_LIMIT);
    }
    ApiError::parameter("body", Violation::hidden("must arrive as a whole"))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(ApiError::unsupported_media_type(
            "encoded bodies are not read",
        ));
    }
    Ok(())
}

/// A missing type is taken for JSON, because clients of the older dialects send none.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    let foreign_charset = parts
        .filter_map(|parameter| parameter.strip_prefix("charset="))
        .any(|charset| charset.trim_matches('"') != "utf-8");
    if !json || foreign_charset {
        return Err(ApiError::unsupported_media_type(
            "the body must be JSON in UTF-8",
        ));
    }
    Ok(())
}

/// Refuses what announces itself as too large before a byte of it is read.
fn check_length(headers: &HeaderMap) -> Result<(), ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT as u64) {
        return Err(ApiError::too_large(BODY_LIMIT));
    }
    Ok(())
}
