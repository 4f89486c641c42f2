//! The status of a logical cloud, at once or when what the caller waits for is true.

use axum::extract::State;
use dcm_app::App;
use dcm_types::CloudKey;
use dcm_wire::views::StatusView;
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, Names, Wait};
use crate::openapi::{CloudPath, ReadProblems};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_status))
}

/// Query of a status.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Wait`"
)]
struct WaitQuery {
    /// Answer only when this is true, or when the time is over.
    #[param(inline)]
    wait: Option<WaitFor>,
    /// How long to wait, at most ten minutes: `500ms`, `30s` (default), `2m`, or plain seconds.
    timeout: Option<String>,
    /// The generation at which it must be true; without it, the wanted one.
    generation: Option<u64>,
}

/// Values of `wait`.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes a parameter")]
enum WaitFor {
    Ready,
    Absent,
}

/// Shows conditions per member and per object, with reason and age. With `wait` the answer has
/// `reached`: `false` says that the time was over first, and the status is what is true now.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/status",
    tag = "logical-clouds", params(CloudPath, WaitQuery),
    responses((status = 200, body = StatusView, description = "The status"), ReadProblems)
)]
async fn get_status(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    wait: Wait,
) -> Result<Answer, ApiError> {
    let view = match wait.until {
        None => StatusView::of(&app.cloud_status(&who, &cloud).await?, None),
        Some(until) => {
            let waited = app.wait_status(&who, &cloud, until, wait.generation, wait.timeout);
            let (status, reached) = waited.await?;
            StatusView::of(&status, Some(reached))
        }
    };
    Ok(Answer::json(StatusCode::OK, &view))
}
