//! Controllers of the orchestrator: stored and served for clients of the later system.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::ControllerName;
use dcm_types::documents::ControllerGroup;
use dcm_wire::documents::{ControllerDocument, read_controller};
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
        .routes(routes!(create_controller, list_controllers))
        .routes(routes!(get_controller, put_controller, delete_controller))
}

const GROUP: ControllerGroup = ControllerGroup::Orchestrator;

fn place(name: &ControllerName) -> String {
    format!("/v2/controllers/{name}")
}

/// Creates a controller.
#[utoipa::path(
    post, path = "/v2/controllers", tag = "controllers",
    params(WriteQuery),
    request_body = ControllerDocument,
    responses(Created<ControllerDocument>, WriteProblems)
)]
async fn create_controller(State(app): State<App>, write: Write) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_controller(body, None, mode))?;
    let saved = app
        .create_controller(&write.principal, GROUP, read.draft)
        .await?;
    let document = ControllerDocument::of(&saved.document);
    Ok(
        Answer::created(saved.version, &place(&saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Lists a controller.
#[utoipa::path(
    get, path = "/v2/controllers", tag = "controllers",
    params(PageQuery),
    responses(Listed<ControllerDocument>, ReadProblems)
)]
async fn list_controllers(
    State(app): State<App>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_controllers(&who, GROUP, request);
    page.list(fetch, |saved| ControllerDocument::of(&saved.document))
        .await
}

/// Shows a controller.
#[utoipa::path(
    get, path = "/v2/controllers/{controller}", tag = "controllers",
    params(("controller" = String, Path, description = "Name of the controller")),
    responses(Found<ControllerDocument>, ReadProblems)
)]
async fn get_controller(
    State(app): State<App>,
    Names(name): Names<ControllerName>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_controller(&who, GROUP, &name).await?;
    Ok(Answer::found(
        saved.version,
        &ControllerDocument::of(&saved.document),
    ))
}

/// Replaces a controller, or creates it.
#[utoipa::path(
    put, path = "/v2/controllers/{controller}", tag = "controllers",
    params(("controller" = String, Path, description = "Name of the controller"), WriteQuery, MatchHeader),
    request_body = ControllerDocument,
    responses(Written<ControllerDocument>, WriteProblems)
)]
async fn put_controller(
    State(app): State<App>,
    Names(name): Names<ControllerName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_controller(body, Some(&name), mode))?;
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
    let document = ControllerDocument::of(&saved.document);
    Ok(Answer::written(&written, &place(&saved.document.name), &document).warnings(&read.unknown))
}

/// Deletes a controller.
#[utoipa::path(
    delete, path = "/v2/controllers/{controller}", tag = "controllers",
    params(("controller" = String, Path, description = "Name of the controller"), MatchHeader),
    responses(Deleted)
)]
async fn delete_controller(
    State(app): State<App>,
    Names(name): Names<ControllerName>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_controller(&who, GROUP, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
