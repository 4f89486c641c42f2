//! Whose kubeconfig is asked for.

use axum::extract::FromRequestParts;
use dcm_types::UserName;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// The query parameter `user`.
pub(crate) struct OfUser(pub(crate) Option<UserName>);

impl<S: Send + Sync> FromRequestParts<S> for OfUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Parameters::of(parts)?
            .parse("user", UserName::parse)
            .map(Self)
    }
}
