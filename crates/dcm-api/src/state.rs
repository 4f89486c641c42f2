//! What every handler can reach.

use std::sync::Arc;

use axum::extract::FromRef;
use prometheus_client::registry::Registry;

use crate::metrics::HttpMetrics;

/// The state of the router; cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) app: dcm_app::App,
    pub(crate) metrics: HttpMetrics,
    pub(crate) registry: Arc<Registry>,
    /// The `OpenAPI` document, made once.
    pub(crate) openapi: Arc<str>,
}

impl FromRef<ApiState> for dcm_app::App {
    fn from_ref(state: &ApiState) -> Self {
        state.app.clone()
    }
}
