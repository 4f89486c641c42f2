//! Key-values of logical clouds.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::{CloudKey, CloudKvName};
use dcm_wire::documents::{CloudKvDocument, read_cloud_kv};
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
        .routes(routes!(create_cloud_kv, list_cloud_kvs))
        .routes(routes!(get_cloud_kv, put_cloud_kv, delete_cloud_kv))
}

fn place(cloud: &CloudKey, name: &CloudKvName) -> String {
    format!("{}/kv-pairs/{name}", cloud_path(cloud))
}

/// Creates key-values of a logical cloud.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/kv-pairs", tag = "logical-cloud-kv-pairs",
    params(CloudPath, WriteQuery),
    request_body = CloudKvDocument,
    responses(Created<CloudKvDocument>, WriteProblems)
)]
async fn create_cloud_kv(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cloud_kv(body, None, mode))?;
    let saved = app
        .create_cloud_kv(&write.principal, &cloud, read.draft)
        .await?;
    let document = CloudKvDocument::of(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&cloud, &saved.document.name),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists key-values of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/kv-pairs", tag = "logical-cloud-kv-pairs",
    params(CloudPath, PageQuery),
    responses(Listed<CloudKvDocument>, ReadProblems)
)]
async fn list_cloud_kvs(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_cloud_kvs(&who, &cloud, request);
    page.list(fetch, |saved| CloudKvDocument::of(&saved.document))
        .await
}

/// Shows key-values of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/kv-pairs/{logicalCloudKv}", tag = "logical-cloud-kv-pairs",
    params(CloudPath, ("logicalCloudKv" = String, Path, description = "Name of the key-values")),
    responses(Found<CloudKvDocument>, ReadProblems)
)]
async fn get_cloud_kv(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, CloudKvName)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_cloud_kv(&who, &cloud, &name).await?;
    Ok(Answer::found(
        saved.version,
        &CloudKvDocument::of(&saved.document),
    ))
}

/// Replaces key-values of a logical cloud, or creates it.
#[utoipa::path(
    put, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/kv-pairs/{logicalCloudKv}", tag = "logical-cloud-kv-pairs",
    params(CloudPath, ("logicalCloudKv" = String, Path, description = "Name of the key-values"), WriteQuery, MatchHeader),
    request_body = CloudKvDocument,
    responses(Written<CloudKvDocument>, WriteProblems)
)]
async fn put_cloud_kv(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, CloudKvName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cloud_kv(body, Some(&name), mode))?;
    let written = app
        .put_cloud_kv(
            &write.principal,
            &cloud,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = CloudKvDocument::of(&saved.document);
    Ok(
        Answer::written(&written, &place(&cloud, &saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes key-values of a logical cloud.
#[utoipa::path(
    delete, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/kv-pairs/{logicalCloudKv}", tag = "logical-cloud-kv-pairs",
    params(CloudPath, ("logicalCloudKv" = String, Path, description = "Name of the key-values"), MatchHeader),
    responses(Deleted)
)]
async fn delete_cloud_kv(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, CloudKvName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_cloud_kv(&who, &cloud, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
