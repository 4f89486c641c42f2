//! The status of a logical cloud: at once, when what the caller waits for is true, or as it changes.

mod schema;
mod stream;

use axum::extract::State;
use dcm_app::App;
use dcm_types::CloudKey;
use dcm_types::status::CloudStatus;
use dcm_wire::views::{ClustersView, DeploymentView, ResourcesView, StatusDocument, StatusView};
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::schema::StatusAnswer;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{CONDITIONS_TYPE, Caller, Ending, Form, Names, Shown, Wait, no_instance};
use crate::openapi::{CloudPath, ReadProblems};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_status))
        .routes(routes!(stream::stream_status))
}

/// Query of a status.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Wait` and `Shown`"
)]
struct StatusQuery {
    /// Answer only when this is true, or when the time is over; conditions are shown.
    #[param(inline)]
    wait: Option<WaitFor>,
    /// How long to wait, at most ten minutes: `500ms`, `30s` (default), `2m`, or plain seconds.
    timeout: Option<String>,
    /// The generation at which it must be true; without it, the wanted one.
    generation: Option<u64>,
    /// Show conditions or deployment only; both in one document, if not given.
    #[param(inline)]
    view: Option<ViewOf>,
    /// Show the deployment of this instance: `states.actions` names them.
    instance: Option<String>,
    /// Show the deployment: what is ready (default), or what is deployed.
    #[param(inline)]
    status: Option<StatusOf>,
    /// Show the deployment without resources, with them (default), or with what is known of each.
    #[param(inline)]
    output: Option<OutputOf>,
    /// Show the list of clusters; its value does not matter.
    clusters: Option<String>,
    /// Show the list of resources; its value does not matter.
    resources: Option<String>,
    /// Only this cluster, as `provider+cluster` (`+` is `%2B` in a URL); may be repeated.
    #[param(style = Form, explode)]
    cluster: Option<Vec<String>>,
    /// Only resources of this name; may be repeated.
    #[param(style = Form, explode)]
    resource: Option<Vec<String>>,
}

/// Values of `wait`.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes a parameter")]
enum WaitFor {
    Ready,
    Absent,
}

/// Values of `view`.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes a parameter")]
enum ViewOf {
    Conditions,
    Deployment,
}

/// Values of `status`.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes a parameter")]
enum StatusOf {
    Ready,
    Deployed,
}

/// Values of `output`.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes a parameter")]
enum OutputOf {
    Summary,
    All,
    Detail,
}

/// Shows where it stands: conditions per member and per object with reason and age, and what is deployed
/// in the form of the main dialect. With `wait` the answer has `reached`: `false` says that the time was
/// over first, and the status is what is true now.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/status",
    tag = "logical-clouds", params(CloudPath, StatusQuery),
    responses(
        (status = 200, description = "The status", content(
            (StatusAnswer = "application/json"),
            (StatusView = "application/vnd.dcm.status+json"),
        )),
        ReadProblems,
    )
)]
async fn get_status(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    wait: Wait,
    shown: Shown,
    Ending(ending): Ending,
) -> Result<Answer, ApiError> {
    let Some(until) = wait.until else {
        let status = app.cloud_status(&who, &cloud).await?;
        return answer(&status, &shown);
    };
    let waited = app.wait_status(&who, &cloud, until, wait.generation, wait.timeout);
    let (status, reached) = tokio::select! {
        waited = waited => waited?,
        () = ending.cancelled() => (app.cloud_status(&who, &cloud).await?, false),
    };
    let view = StatusView::of(&status, Some(reached));
    let typed = shown.form == Form::Conditions(true);
    Ok(of_conditions(&view, typed))
}

fn answer(status: &CloudStatus, shown: &Shown) -> Result<Answer, ApiError> {
    let selection = &shown.selection;
    let told = match &shown.form {
        Form::Whole => Some(Answer::json(StatusCode::OK, &StatusDocument::of(status))),
        Form::Conditions(typed) => Some(of_conditions(&StatusView::of(status, None), *typed)),
        Form::Deployment => {
            DeploymentView::of(status, selection).map(|view| Answer::json(StatusCode::OK, &view))
        }
        Form::Clusters => {
            ClustersView::of(status, selection).map(|view| Answer::json(StatusCode::OK, &view))
        }
        Form::Resources => {
            ResourcesView::of(status, selection).map(|view| Answer::json(StatusCode::OK, &view))
        }
    };
    told.ok_or_else(|| {
        let instance = selection.instance.unwrap_or_default();
        ApiError::parameter("instance", no_instance(&instance.to_string()))
    })
}

fn of_conditions(view: &StatusView, typed: bool) -> Answer {
    let answer = Answer::json(StatusCode::OK, view);
    if typed {
        answer.media_type(CONDITIONS_TYPE)
    } else {
        answer
    }
}
