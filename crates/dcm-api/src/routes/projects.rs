//! Projects.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::ProjectName;
use dcm_wire::documents::{ProjectDocument, read_project};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    Created, Deleted, Found, Listed, MatchHeader, PageQuery, ProjectPath, ReadProblems,
    WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_project, list_projects))
        .routes(routes!(get_project, put_project, delete_project))
}

fn place(name: &ProjectName) -> String {
    format!("/v2/projects/{name}")
}

/// Creates a project.
#[utoipa::path(
    post, path = "/v2/projects", tag = "projects",
    params(WriteQuery),
    request_body = ProjectDocument,
    responses(Created<ProjectDocument>, WriteProblems)
)]
async fn create_project(State(app): State<App>, write: Write) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_project(body, None, mode))?;
    let saved = app.create_project(&write.principal, read.draft).await?;
    let document = ProjectDocument::of(&saved.document);
    Ok(
        Answer::created(saved.version, &place(&saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Lists projects.
#[utoipa::path(
    get, path = "/v2/projects", tag = "projects",
    params(PageQuery),
    responses(Listed<ProjectDocument>, ReadProblems)
)]
async fn list_projects(
    State(app): State<App>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_projects(&who, request);
    page.list(fetch, |saved| ProjectDocument::of(&saved.document))
        .await
}

/// Shows a project.
#[utoipa::path(
    get, path = "/v2/projects/{project}", tag = "projects",
    params(ProjectPath),
    responses(Found<ProjectDocument>, ReadProblems)
)]
async fn get_project(
    State(app): State<App>,
    Names(name): Names<ProjectName>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_project(&who, &name).await?;
    Ok(Answer::found(
        saved.version,
        &ProjectDocument::of(&saved.document),
    ))
}

/// Replaces a project, or creates it.
#[utoipa::path(
    put, path = "/v2/projects/{project}", tag = "projects",
    params(ProjectPath, WriteQuery, MatchHeader),
    request_body = ProjectDocument,
    responses(Written<ProjectDocument>, WriteProblems)
)]
async fn put_project(
    State(app): State<App>,
    Names(name): Names<ProjectName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_project(body, Some(&name), mode))?;
    let written = app
        .put_project(&write.principal, &name, read.draft, write.precondition)
        .await?;
    let saved = &written.saved;
    let document = ProjectDocument::of(&saved.document);
    Ok(Answer::written(&written, &place(&saved.document.name), &document).warnings(&read.unknown))
}

/// Deletes a project.
#[utoipa::path(
    delete,
    path = "/v2/projects/{project}",
    tag = "projects",
    params(ProjectPath, MatchHeader),
    responses(Deleted)
)]
async fn delete_project(
    State(app): State<App>,
    Names(name): Names<ProjectName>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_project(&who, &name, precondition).await?;
    Ok(Answer::deleted())
}
