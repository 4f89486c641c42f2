//! Logical clouds, in both dialects.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, CloudDetail, Deletion};
use dcm_types::drafts::{LogicalCloudDraft, PermissionDraft};
use dcm_types::{CloudKey, ProjectName};
use dcm_wire::documents::{
    FlatLogicalCloud, LogicalCloudDocument, expansion_note, read_logical_cloud,
};
use dcm_wire::views::QueuedDeletion;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{cloud_path, status_path};
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Selector, Write};
use crate::openapi::{
    CloudPath, Created, DeleteProblems, Found, Listed, MatchHeader, PageQuery, ProjectPath,
    ReadProblems, SelectorQuery, WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_logical_cloud, list_logical_clouds))
        .routes(routes!(
            get_logical_cloud,
            put_logical_cloud,
            delete_logical_cloud
        ))
}

/// A body in either dialect.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a body; `read_logical_cloud` reads it")]
enum EitherForm {
    /// `metadata` and `spec`.
    Document(LogicalCloudDocument),
    /// The flat form of the original design.
    Flat(FlatLogicalCloud),
}

/// An answer in the dialect of the body that it answers.
#[derive(Serialize)]
#[serde(untagged)]
enum InKind {
    Document(LogicalCloudDocument),
    Flat(FlatLogicalCloud),
}

impl InKind {
    fn of(detail: &CloudDetail, flat: Option<&[PermissionDraft]>) -> Self {
        let user = detail.user.as_ref();
        match flat {
            Some(permissions) => {
                let (cloud, namespace) = (&detail.cloud, &detail.namespace);
                Self::Flat(FlatLogicalCloud::of(cloud, namespace, user, permissions))
            }
            None => Self::Document(view(detail)),
        }
    }
}

fn view(detail: &CloudDetail) -> LogicalCloudDocument {
    LogicalCloudDocument::of(
        &detail.cloud,
        &detail.namespace,
        detail.user.as_ref(),
        detail.lifecycle.as_ref(),
        detail.privileged,
    )
}

/// What the writer of permissions in a flat body is told.
fn notes_of(draft: &LogicalCloudDraft) -> Vec<String> {
    draft
        .permissions
        .iter()
        .filter_map(expansion_note)
        .collect()
}

/// Creates a logical cloud; no cluster is touched before `instantiate`. Answers in the form of the body.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds", tag = "logical-clouds",
    params(ProjectPath, WriteQuery),
    request_body = EitherForm,
    responses(Created<EitherForm>, WriteProblems)
)]
async fn create_logical_cloud(
    State(app): State<App>,
    Names(project): Names<ProjectName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_logical_cloud(body, None, mode))?;
    let flat = read.draft.flat.then(|| read.draft.permissions.clone());
    let notes = notes_of(&read.draft);
    let who = &write.principal;
    let saved = app.create_logical_cloud(who, &project, read.draft).await?;
    let document = InKind::of(&saved.document, flat.as_deref());
    let place = cloud_path(&saved.document.cloud.key);
    Ok(Answer::created(saved.version, &place, &document)
        .warnings(&read.unknown)
        .notes(notes))
}

/// Lists the logical clouds of a project.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds", tag = "logical-clouds",
    params(ProjectPath, PageQuery, SelectorQuery),
    responses(Listed<LogicalCloudDocument>, ReadProblems)
)]
async fn list_logical_clouds(
    State(app): State<App>,
    Names(project): Names<ProjectName>,
    Caller(who): Caller,
    Selector(selector): Selector,
    page: Page,
) -> Result<Response, ApiError> {
    let Some(selector) = selector else {
        let fetch = |request| app.list_logical_clouds(&who, &project, request);
        return page.list(fetch, |saved| view(&saved.document)).await;
    };
    let fetch = |request| app.select_logical_clouds(&who, &project, &selector, request);
    page.list(fetch, |saved| view(&saved.document)).await
}

/// Shows a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}", tag = "logical-clouds",
    params(CloudPath),
    responses(Found<LogicalCloudDocument>, ReadProblems)
)]
async fn get_logical_cloud(
    State(app): State<App>,
    Names(key): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_logical_cloud(&who, &key).await?;
    Ok(Answer::found(saved.version, &view(&saved.document)))
}

/// Replaces a logical cloud, or creates it.
#[utoipa::path(
    put, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}", tag = "logical-clouds",
    params(CloudPath, WriteQuery, MatchHeader),
    request_body = EitherForm,
    responses(Written<EitherForm>, WriteProblems)
)]
async fn put_logical_cloud(
    State(app): State<App>,
    Names(key): Names<CloudKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_logical_cloud(body, Some(&key.cloud), mode))?;
    let flat = read.draft.flat.then(|| read.draft.permissions.clone());
    let notes = notes_of(&read.draft);
    let written = app
        .put_logical_cloud(&write.principal, &key, read.draft, write.precondition)
        .await?;
    let document = InKind::of(&written.saved.document, flat.as_deref());
    Ok(Answer::written(&written, &cloud_path(&key), &document)
        .warnings(&read.unknown)
        .notes(notes))
}

/// Deletes a logical cloud. While it is terminating the deletion is queued: it happens as soon as the
/// last member is clean.
#[utoipa::path(
    delete, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}", tag = "logical-clouds",
    params(CloudPath, MatchHeader),
    responses(
        (status = 202, body = QueuedDeletion, description = "Queued", headers(
            ("Location" = String, description = "Path of its status"),
        )),
        (status = 204, description = "Deleted"),
        DeleteProblems,
    )
)]
async fn delete_logical_cloud(
    State(app): State<App>,
    Names(key): Names<CloudKey>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    Ok(
        match app.delete_logical_cloud(&who, &key, precondition).await? {
            Deletion::Done => Answer::deleted(),
            Deletion::Queued => Answer::accepted(&status_path(&key), &QueuedDeletion::new()).into(),
        },
    )
}
