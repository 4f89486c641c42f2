//! What is served where. Reads as a list of nouns.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use dcm_app::App;
use prometheus_client::registry::Registry;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::error::ApiError;
use crate::metrics::HttpMetrics;
use crate::negotiate;
use crate::once;
use crate::openapi::{self, Common};
use crate::pressure::{self, Pressure, PressureLimits};
use crate::request;
use crate::routes;
use crate::state::ApiState;

/// The routes that stand in the `OpenAPI` document.
pub(crate) fn documented() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Common::openapi())
        .merge(routes::projects::router())
        .merge(routes::providers::router())
        .merge(routes::clusters::router())
        .merge(routes::cluster_labels::router())
        .merge(routes::cluster_kvs::router())
        .merge(routes::sync_objects::router())
        .merge(routes::logical_clouds::router())
        .merge(routes::actions::router())
        .merge(routes::status::router())
        .merge(routes::references::router())
        .merge(routes::flat_references::router())
        .merge(routes::quotas::router())
        .merge(routes::users::router())
        .merge(routes::permissions::router())
        .merge(routes::cloud_kvs::router())
        .merge(routes::kubeconfigs::router())
        .merge(routes::controllers::router())
        .merge(routes::cluster_manager_controllers::router())
        .merge(routes::apply::router())
        .merge(routes::authorities::router())
        .merge(routes::foreign_authorities::router())
        .merge(routes::tombstones::router())
        .merge(routes::sync::router())
        .merge(routes::system::router())
        .merge(routes::docs::router())
}

/// The whole interface. `registry` holds the metrics of all parts of the process, those of
/// [`HttpMetrics::register`] among them.
pub fn router(
    app: App,
    metrics: HttpMetrics,
    registry: Arc<Registry>,
    limits: PressureLimits,
) -> Router {
    let state = ApiState {
        app,
        metrics,
        registry,
        openapi: openapi::document().into(),
    };
    let around = middleware::from_fn_with_state(state.metrics.clone(), request::around);
    let bound = middleware::from_fn_with_state(Pressure::new(limits), pressure::bound);
    let once = middleware::from_fn_with_state(state.clone(), once::once);
    let (router, _) = documented().split_for_parts();
    router
        // The original design shows this path with a slash at its end.
        .route(
            &format!("{}/", routes::flat_references::LIST_PATH),
            get(routes::flat_references::list_flat_references),
        )
        .fallback(async || ApiError::no_route())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        // The last is the outermost.
        .layer(once)
        .layer(middleware::from_fn(negotiate::negotiate))
        .layer(bound)
        .layer(around)
        .with_state(state)
}
