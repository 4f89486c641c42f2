//! What the synchronizer says of itself.

use axum::extract::State;
use dcm_app::App;
use dcm_wire::views::SyncStatusView;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::openapi::ReadProblems;
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_sync_status))
}

/// Shows queues, members that are waited for, and the last run of each logical cloud in each cluster.
#[utoipa::path(
    get,
    path = "/v2/sync/status",
    tag = "system",
    responses((status = 200, body = SyncStatusView, description = "The status"), ReadProblems)
)]
async fn get_sync_status(State(app): State<App>, Caller(who): Caller) -> Result<Answer, ApiError> {
    let report = app.sync_status(&who).await?;
    Ok(Answer::json(StatusCode::OK, &SyncStatusView::of(&report)))
}
