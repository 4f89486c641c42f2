//! What the operator's tools ask for: health, readiness, metrics, and the `OpenAPI` document.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dcm_app::{App, PageRequest};
use dcm_types::Kind;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::extract::Caller;
use crate::openapi::ReadProblems;
use crate::state::ApiState;

/// How long the store may take before this process is not ready.
const READY_TIME: Duration = Duration::from_secs(2);

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_health))
        .routes(routes!(get_readiness))
        .routes(routes!(get_metrics))
        .routes(routes!(get_openapi))
}

/// Whether the process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "system",
    responses((status = 200, body = String, content_type = "text/plain", description = "It answers"))
)]
async fn get_health() -> &'static str {
    "ok\n"
}

/// Whether requests can be served: the store answers.
#[utoipa::path(
    get, path = "/readyz", tag = "system",
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "It is ready"),
        ReadProblems,
    )
)]
async fn get_readiness(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<&'static str, ApiError> {
    let smallest = PageRequest {
        after: None,
        limit: 1,
    };
    tokio::time::timeout(READY_TIME, app.list_projects(&who, smallest))
        .await
        .map_err(|_| ApiError::new(Kind::Unavailable, "the store does not answer in time"))?
        .map_err(|_| ApiError::new(Kind::Unavailable, "the store does not answer"))?;
    Ok("ready\n")
}

/// Metrics of all parts, in the `OpenMetrics` text format.
#[utoipa::path(
    get, path = "/metrics", tag = "system",
    responses(
        (status = 200, body = String, content_type = "application/openmetrics-text", description = "Metrics"),
    )
)]
async fn get_metrics(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let mut text = String::new();
    encode(&mut text, &state.registry).map_err(|error| {
        tracing::error!(%error, "metrics could not be written");
        ApiError::internal()
    })?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, media_type)], text).into_response())
}

/// This document.
#[utoipa::path(
    get, path = "/v2/openapi.json", tag = "system",
    responses((status = 200, body = Object, description = "The OpenAPI document"))
)]
async fn get_openapi(State(state): State<ApiState>) -> Response {
    let text = state.openapi.to_string();
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
