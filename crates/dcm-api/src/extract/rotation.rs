//! What is rotated; and that a request has no key of its own.

use axum::extract::FromRequestParts;
use dcm_types::Violation;
use dcm_types::ca::RotationKind;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;
use crate::once::KEY;

/// `?kind=`, which must be given.
pub(crate) struct Kind(pub(crate) RotationKind);

impl<S: Sync> FromRequestParts<S> for Kind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let kind = Parameters::of(parts)?.parse("kind", parse)?;
        let missing = || ApiError::parameter("kind", Violation::new(RULE, ""));
        kind.map(Self).ok_or_else(missing)
    }
}

const RULE: &str = "must be intermediate or anchor";

fn parse(text: &str) -> Result<RotationKind, Violation> {
    match text {
        "intermediate" => Ok(RotationKind::Intermediate),
        "anchor" => Ok(RotationKind::Anchor),
        _ => Err(Violation::new(RULE, text)),
    }
}

/// The CA controller commits by itself, so its change and a kept answer cannot be one commit: a key is refused, before
/// anything is done.
pub(crate) struct Unkeyed;

impl<S: Sync> FromRequestParts<S> for Unkeyed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        if parts.headers.contains_key(KEY) {
            let rule = "must not be given here: ask what is true before it is repeated";
            return Err(ApiError::parameter(
                "Idempotency-Key",
                Violation::hidden(rule),
            ));
        }
        Ok(Self)
    }
}
