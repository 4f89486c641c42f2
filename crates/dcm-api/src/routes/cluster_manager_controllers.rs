//! Controllers of the cluster manager: stored and served for clients of the later system.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::ControllerName;
use dcm_types::documents::ControllerGroup;
use dcm_wire::documents::{ClusterManagerControllerDocument, read_cluster_manager_controller};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    Created, Deleted, Found, Listed, MatchHeader, PageQuery, ReadProblems, WriteProblems,
    WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_clm_controller, list_clm_controllers))
        .routes(routes!(
            get_clm_controller,
            put_clm_controller,
            delete_clm_controller
        ))
}

const GROUP: ControllerGroup = ControllerGroup::ClusterManager;

fn place(name: &ControllerName) -> String {
    format!("/v2/clm-controllers/{name}")
}

/// Creates a controller of the cluster manager.
#[utoipa::path(
    post, path = "/v2/clm-controllers", tag = "controllers",
    params(WriteQuery),
    request_body = ClusterManagerControllerDocument,
    responses(Created<ClusterManagerControllerDocument>, WriteProblems)
)]
async fn create_clm_controller(State(app): State<App>, write: Write) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster_manager_controller(body, None, mode))?;
    let saved = app
        .create_controller(&write.principal, GROUP, read.draft)
        .await?;
    let document = ClusterManagerControllerDocument::of(&saved.document);
    Ok(
        Answer::created(saved.version, &place(&saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Lists the controllers of the cluster manager.
#[utoipa::path(
    get, path = "/v2/clm-controllers", tag = "controllers",
    params(PageQuery),
    responses(Listed<ClusterManagerControllerDocument>, ReadProblems)
)]
async fn list_clm_controllers(
    State(app): State<App>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_controllers(&who, GROUP, request);
    page.list(fetch, |saved| {
        ClusterManagerControllerDocument::of(&saved.document)
    })
    .await
}

/// Shows a controller of the cluster manager.
#[utoipa::path(
    get, path = "/v2/clm-controllers/{controller}", tag = "controllers",
    params(("controller" = String, Path, description = "Name of the controller")),
    responses(Found<ClusterManagerControllerDocument>, ReadProblems)
)]
async fn get_clm_controller(
    State(app): State<App>,
    Names(name): Names<ControllerName>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_controller(&who, GROUP, &name).await?;
    Ok(Answer::found(
        saved.version,
        &ClusterManagerControllerDocument::of(&saved.document),
    ))
}

/// Replaces a controller of the cluster manager, or creates it.
#[utoipa::path(
    put, path = "/v2/clm-controllers/{controller}", tag = "controllers",
    params(("controller" = String, Path, description = "Name of the controller"), WriteQuery, MatchHeader),
    request_body = ClusterManagerControllerDocument,
    responses(Written<ClusterManagerControllerDocument>, WriteProblems)
)]
async fn put_clm_controller(
    State(app): State<App>,
    Names(name): Names<ControllerName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read =
        write.decode(|body, mode| read_cluster_manager_controller(body, Some(&name), mode))?;
    let written = app
        .put_controller(
            &write.principal,
            GROUP,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = ClusterManagerControllerDocument::of(&saved.document);
    Ok(Answer::written(&written, &place(&saved.document.name), &document).warnings(&read.unknown))
}

/// Deletes a controller of the cluster manager.
#[utoipa::path(
    delete, path = "/v2/clm-controllers/{controller}", tag = "controllers",
    params(("controller" = String, Path, description = "Name of the controller"), MatchHeader),
    responses(Deleted)
)]
async fn delete_clm_controller(
    State(app): State<App>,
    Names(name): Names<ControllerName>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_controller(&who, GROUP, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
