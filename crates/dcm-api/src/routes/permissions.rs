//! User permissions.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::{CloudKey, PermissionName};
use dcm_wire::documents::{PermissionDocument, expansion_note, read_permission};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cloud_path;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    CloudPath, Created, Deleted, Found, Listed, MatchHeader, PageQuery, ReadProblems,
    WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_permission, list_permissions))
        .routes(routes!(get_permission, put_permission, delete_permission))
}

fn place(cloud: &CloudKey, name: &PermissionName) -> String {
    format!("{}/user-permissions/{name}", cloud_path(cloud))
}

/// Creates a permission of a user of a logical cloud.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/user-permissions", tag = "user-permissions",
    params(CloudPath, WriteQuery),
    request_body = PermissionDocument,
    responses(Created<PermissionDocument>, WriteProblems)
)]
async fn create_permission(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_permission(body, None, mode))?;
    let note = expansion_note(&read.draft);
    let saved = app
        .create_permission(&write.principal, &cloud, read.draft)
        .await?;
    let document = PermissionDocument::of(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&cloud, &saved.document.name),
        &document,
    )
    .warnings(&read.unknown)
    .notes(note))
}

/// Lists the permissions of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/user-permissions", tag = "user-permissions",
    params(CloudPath, PageQuery),
    responses(Listed<PermissionDocument>, ReadProblems)
)]
async fn list_permissions(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_permissions(&who, &cloud, request);
    page.list(fetch, |saved| PermissionDocument::of(&saved.document))
        .await
}

/// Shows a permission of a user of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/user-permissions/{userPermission}", tag = "user-permissions",
    params(CloudPath, ("userPermission" = String, Path, description = "Name of the permission")),
    responses(Found<PermissionDocument>, ReadProblems)
)]
async fn get_permission(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, PermissionName)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_permission(&who, &cloud, &name).await?;
    Ok(Answer::found(
        saved.version,
        &PermissionDocument::of(&saved.document),
    ))
}

/// Replaces a permission of a user of a logical cloud, or creates it.
#[utoipa::path(
    put, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/user-permissions/{userPermission}", tag = "user-permissions",
    params(CloudPath, ("userPermission" = String, Path, description = "Name of the permission"), WriteQuery, MatchHeader),
    request_body = PermissionDocument,
    responses(Written<PermissionDocument>, WriteProblems)
)]
async fn put_permission(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, PermissionName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_permission(body, Some(&name), mode))?;
    let note = expansion_note(&read.draft);
    let written = app
        .put_permission(
            &write.principal,
            &cloud,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = PermissionDocument::of(&saved.document);
    Ok(
        Answer::written(&written, &place(&cloud, &saved.document.name), &document)
            .warnings(&read.unknown)
            .notes(note),
    )
}

/// Deletes a permission of a user of a logical cloud.
#[utoipa::path(
    delete, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/user-permissions/{userPermission}", tag = "user-permissions",
    params(CloudPath, ("userPermission" = String, Path, description = "Name of the permission"), MatchHeader),
    responses(Deleted)
)]
async fn delete_permission(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, PermissionName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_permission(&who, &cloud, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
