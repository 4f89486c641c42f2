//! Whether a request only asks what would happen.

use axum::extract::FromRequestParts;
use dcm_app::Run;
use dcm_types::Violation;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// The query parameter `dryRun`.
pub(crate) struct DryRun(pub(crate) Run);

impl<S: Send + Sync> FromRequestParts<S> for DryRun {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let run = Parameters::of(parts)?.parse("dryRun", parse)?;
        Ok(Self(run.unwrap_or(Run::Real)))
    }
}

fn parse(text: &str) -> Result<Run, Violation> {
    match text {
        "true" => Ok(Run::Dry),
        "false" => Ok(Run::Real),
        _ => Err(Violation::new("must be true or false", text)),
    }
}
