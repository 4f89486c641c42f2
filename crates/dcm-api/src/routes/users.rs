//! Users of a logical cloud.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, Principal, Saved};
use dcm_types::documents::User;
use dcm_types::{CloudKey, UserName};
use dcm_wire::documents::{UserDocument, read_user_document};
use dcm_wire::views;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cloud_path;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    CloudPath, Created, DeleteProblems, Deleted, Found, Listed, MatchHeader, PageQuery,
    ReadProblems, WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_user, list_users))
        .routes(routes!(get_user, put_user, delete_user))
        .routes(routes!(revoke_user))
}

fn place(cloud: &CloudKey, name: &UserName) -> String {
    format!("{}/users/{name}", cloud_path(cloud))
}

/// The document of a user, with who they are in the members.
async fn shown(
    app: &App,
    who: &Principal,
    cloud: &CloudKey,
    user: &User,
) -> Result<UserDocument, ApiError> {
    let identities = app.identities(who, cloud).await?;
    Ok(UserDocument::of(user, &identities.of(user)))
}

/// Creates a user of a logical cloud.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/users", tag = "users",
    params(CloudPath, WriteQuery),
    request_body = UserDocument,
    responses(Created<UserDocument>, WriteProblems)
)]
async fn create_user(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_user_document(body, None, mode))?;
    let saved = app
        .create_user(&write.principal, &cloud, read.draft)
        .await?;
    let document = shown(&app, &write.principal, &cloud, &saved.document).await?;
    Ok(Answer::created(
        saved.version,
        &place(&cloud, &saved.document.name),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists the users of a logical cloud, the first one among them.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/users", tag = "users",
    params(CloudPath, PageQuery),
    responses(Listed<UserDocument>, ReadProblems)
)]
async fn list_users(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_users(&who, &cloud, request);
    let identities = app.identities(&who, &cloud).await?;
    let show = |saved: &Saved<User>| {
        let identity = identities.of(&saved.document);
        UserDocument::of(&saved.document, &identity)
    };
    page.list(fetch, show).await
}

/// Shows a user of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/users/{user}", tag = "users",
    params(CloudPath, ("user" = String, Path, description = "Name of the user")),
    responses(Found<UserDocument>, ReadProblems)
)]
async fn get_user(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, UserName)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_user(&who, &cloud, &name).await?;
    let document = shown(&app, &who, &cloud, &saved.document).await?;
    Ok(Answer::found(saved.version, &document))
}

/// Replaces a user of a logical cloud, or creates it; who they are in the members stays. A signing request
/// of a user who keeps their key counts at once; everything else from the next `update` on.
#[utoipa::path(
    put, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/users/{user}", tag = "users",
    params(CloudPath, ("user" = String, Path, description = "Name of the user"), WriteQuery, MatchHeader),
    request_body = UserDocument,
    responses(Written<UserDocument>, WriteProblems)
)]
async fn put_user(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, UserName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_user_document(body, Some(&name), mode))?;
    let written = app
        .put_user(
            &write.principal,
            &cloud,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = shown(&app, &write.principal, &cloud, &saved.document).await?;
    Ok(
        Answer::written(&written, &place(&cloud, &saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes a user of a logical cloud whom neither the cloud nor a permission names.
#[utoipa::path(
    delete, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/users/{user}", tag = "users",
    params(CloudPath, ("user" = String, Path, description = "Name of the user"), MatchHeader),
    responses(Deleted)
)]
async fn delete_user(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, UserName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_user(&who, &cloud, &name, precondition).await?;
    Ok(Answer::deleted())
}

/// Revokes what a user holds: every older credential opens nothing in a member as soon as it is reached,
/// and a new one is issued. Each request revokes again; with `If-Match` or an `Idempotency-Key` a repeated one
/// does not.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/users/{user}/revoke", tag = "users",
    params(CloudPath, ("user" = String, Path, description = "Name of the user"), MatchHeader),
    responses(
        (status = 202, body = views::Accepted, description = "Accepted", headers(
            ("Location" = String, description = "Path of the status of the logical cloud"),
        )),
        DeleteProblems,
    )
)]
async fn revoke_user(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, UserName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Answer, ApiError> {
    let done = app.revoke_user(&who, &cloud, &name, precondition).await?;
    Ok(super::actions::accepted(&cloud, &done))
}
