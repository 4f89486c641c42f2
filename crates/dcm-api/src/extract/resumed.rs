//! Where a stream goes on, and when it ends: `Last-Event-ID`, `?timeout=`, and the end of the server.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use tokio_util::sync::CancellationToken;

use super::query::Parameters;
use super::wait::{LONGEST, parse_time};
use crate::error::ApiError;

/// Longest id that is looked at; ours are shorter.
const ID_LIMIT: usize = 64;

/// A stream as it is asked for.
pub(crate) struct Resumed {
    /// Id of the last event that the caller saw.
    pub(crate) seen: Option<String>,
    /// How long it may last.
    pub(crate) timeout: Duration,
}

impl<S: Sync> FromRequestParts<S> for Resumed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        let id = parts.headers.get("last-event-id");
        Ok(Self {
            // An id that is not ours is one that nobody saw: the present status is news.
            seen: id
                .and_then(|id| id.to_str().ok())
                .filter(|id| id.len() <= ID_LIMIT)
                .map(str::to_owned),
            timeout: query.parse("timeout", parse_time)?.unwrap_or(LONGEST),
        })
    }
}

/// Tells long answers that the server ends; set for each connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(pub(crate) CancellationToken);

impl<S: Sync> FromRequestParts<S> for Ending {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
