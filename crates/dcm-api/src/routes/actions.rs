//! Actions on a logical cloud. Their bodies are never read: clients of the older dialects send
//! empty ones, or documents without a name.

use axum::extract::State;
use dcm_app::{Accepted, App};
use dcm_types::CloudKey;
use dcm_wire::views;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::status_path;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, Generation, Names};
use crate::openapi::{AcceptedAction, CloudPath, GenerationQuery};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(instantiate_logical_cloud))
        .routes(routes!(apply_logical_cloud))
        .routes(routes!(update_logical_cloud))
        .routes(routes!(terminate_logical_cloud))
        .routes(routes!(stop_logical_cloud))
        .routes(routes!(adopt_generation))
}

pub(super) fn accepted(cloud: &CloudKey, accepted: &Accepted) -> Answer {
    let view = views::Accepted {
        generation: accepted.generation,
        wish: views::wire_wish(accepted.wish),
        paused: accepted.paused,
    };
    Answer::accepted(&status_path(cloud), &view)
}

/// Makes it exist in its members: freezes a revision. Accepted in every state; the last accepted wish
/// wins.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/instantiate",
    tag = "logical-clouds",
    params(CloudPath),
    responses(AcceptedAction)
)]
async fn instantiate_logical_cloud(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    Ok(accepted(&cloud, &app.instantiate(&who, &cloud).await?))
}

/// The older name of `instantiate`.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/apply",
    tag = "logical-clouds",
    params(CloudPath),
    responses(AcceptedAction)
)]
async fn apply_logical_cloud(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    Ok(accepted(&cloud, &app.instantiate(&who, &cloud).await?))
}

/// Makes its members match its documents as they are now.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/update",
    tag = "logical-clouds",
    params(CloudPath),
    responses(AcceptedAction)
)]
async fn update_logical_cloud(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    Ok(accepted(&cloud, &app.update(&who, &cloud).await?))
}

/// Removes everything of it from its members.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/terminate",
    tag = "logical-clouds",
    params(CloudPath),
    responses(AcceptedAction)
)]
async fn terminate_logical_cloud(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    Ok(accepted(&cloud, &app.terminate(&who, &cloud).await?))
}

/// Leaves it as it is until the next action: its members are not written to, and drift is not corrected.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/stop",
    tag = "logical-clouds",
    params(CloudPath),
    responses(AcceptedAction)
)]
async fn stop_logical_cloud(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    Ok(accepted(&cloud, &app.stop(&who, &cloud).await?))
}

/// Makes what the store says true in members that hold a newer generation, as after a restore of the store
/// from a backup. What was wished between is lost, so the generation is named.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/adopt-generation",
    tag = "logical-clouds",
    params(CloudPath, GenerationQuery),
    responses(AcceptedAction)
)]
async fn adopt_generation(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    Generation(named): Generation,
) -> Result<Answer, ApiError> {
    let adopted = app.adopt_generation(&who, &cloud, named).await?;
    Ok(accepted(&cloud, &adopted))
}
