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

tokio::task_local! {
    /// The application of the request that is being answered, when what it does is committed with its
    /// answer; see [`crate::once`]. Every handler gets it as its state, so that none can forget it.
    pub(crate) static STAGED: dcm_app::App;
}

impl FromRef<ApiState> for dcm_app::App {
    fn from_ref(state: &ApiState) -> Self {
        STAGED
            .try_with(Self::clone)
            .unwrap_or_else(|_| state.app.clone())
    }
}
