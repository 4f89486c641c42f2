//! Who asks: today always the local operator, with the address and the id of the request.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use dcm_app::Principal;
use http::request::Parts;

/// The id of a request, set by [`crate::request`].
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// The caller, as use cases know them.
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let origin = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or_else(|| "in process".to_owned(), |info| info.0.to_string());
        let request = parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default();
        Ok(Self(Principal::local_operator(origin, request)))
    }
}
