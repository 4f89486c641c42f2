//! Around every request: its id, its span, its metrics, panics, and the rendering of errors.
//!
//! No body, no query and no header of a caller reaches the log, except an id of sane form.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::uri::PathAndQuery;
use tracing::Instrument;

use crate::error::ApiError;
use crate::extract::RequestId;
use crate::metrics::HttpMetrics;

/// Header with the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken from a caller.
const ID_LIMIT: usize = 64;
/// Longest path with its query, in bytes.
const URI_LIMIT: usize = 16 * 1024;
/// Route of a request that matches none.
const UNMATCHED: &str = "unmatched";

/// The middleware.
pub(crate) async fn around(
    State(metrics): State<HttpMetrics>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let _in_flight = metrics.begin();
    let id = request_id(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED, MatchedPath::as_str)
        .to_owned();
    let method = request.method().clone();
    let accept = accept_only(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", %method, %route, request_id = %id);
    let mut response = if request.uri().path_and_query().is_some_and(is_long) {
        ApiError::uri_too_long(URI_LIMIT).into_response()
    } else {
        run(request, next).instrument(span.clone()).await
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        error.render(&accept, &id, &mut response);
    }
    finish(&id, &mut response);
    let (status, duration) = (response.status(), started.elapsed());
    metrics.answered(&method, &route, status, duration);
    span.in_scope(|| {
        tracing::debug!(
            status = status.as_u16(),
            milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
    });
    response
}

/// Runs the handler; a panic in it is a fault of ours and ends nothing but this request.
async fn run(request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            tracing::error!("a handler panicked");
            ApiError::internal().into_response()
        })
}

fn is_long(target: &PathAndQuery) -> bool {
    target.as_str().len() > URI_LIMIT
}

fn finish(id: &str, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// The id that the caller gave, if it is sane, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_sane(id))
        .map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned)
}

fn is_sane(id: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !id.is_empty() && id.len() <= ID_LIMIT && id.bytes().all(known)
}

/// The one header that the rendering of an error needs.
fn accept_only(headers: &HeaderMap) -> HeaderMap {
    headers
        .get_all(http::header::ACCEPT)
        .iter()
        .map(|value| (http::header::ACCEPT, value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use prometheus_client::registry::Registry;
    use tower::ServiceExt as _;

    async fn explode() -> &'static str {
        unreachable!("DCMCANARY: text of a panic")
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_without_its_text() {
        let metrics = HttpMetrics::register(&mut Registry::default());
        let layer = axum::middleware::from_fn_with_state(metrics, around);
        let router: Router = Router::new().route("/", get(explode)).layer(layer);
        for _ in 0..2 {
            let request = Request::builder().uri("/").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 500);
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert!(text.contains("urn:dcm:problem:internal"), "{text}");
            assert!(!text.contains("CANARY"), "{text}");
        }
    }
}
