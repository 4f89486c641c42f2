//! Cluster quotas.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::{CloudKey, QuotaName};
use dcm_wire::documents::{QuotaDocument, read_quota};
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
        .routes(routes!(create_quota, list_quotas))
        .routes(routes!(get_quota, put_quota, delete_quota))
}

fn place(cloud: &CloudKey, name: &QuotaName) -> String {
    format!("{}/cluster-quotas/{name}", cloud_path(cloud))
}

/// Creates a quota of a logical cloud.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-quotas", tag = "cluster-quotas",
    params(CloudPath, WriteQuery),
    request_body = QuotaDocument,
    responses(Created<QuotaDocument>, WriteProblems)
)]
async fn create_quota(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_quota(body, None, mode))?;
    let saved = app
        .create_quota(&write.principal, &cloud, read.draft)
        .await?;
    let document = QuotaDocument::of(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&cloud, &saved.document.name),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists the quotas of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-quotas", tag = "cluster-quotas",
    params(CloudPath, PageQuery),
    responses(Listed<QuotaDocument>, ReadProblems)
)]
async fn list_quotas(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_quotas(&who, &cloud, request);
    page.list(fetch, |saved| QuotaDocument::of(&saved.document))
        .await
}

/// Shows a quota of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-quotas/{clusterQuota}", tag = "cluster-quotas",
    params(CloudPath, ("clusterQuota" = String, Path, description = "Name of the quota")),
    responses(Found<QuotaDocument>, ReadProblems)
)]
async fn get_quota(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, QuotaName)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_quota(&who, &cloud, &name).await?;
    Ok(Answer::found(
        saved.version,
        &QuotaDocument::of(&saved.document),
    ))
}

/// Replaces a quota of a logical cloud, or creates it.
#[utoipa::path(
    put, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-quotas/{clusterQuota}", tag = "cluster-quotas",
    params(CloudPath, ("clusterQuota" = String, Path, description = "Name of the quota"), WriteQuery, MatchHeader),
    request_body = QuotaDocument,
    responses(Written<QuotaDocument>, WriteProblems)
)]
async fn put_quota(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, QuotaName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_quota(body, Some(&name), mode))?;
    let written = app
        .put_quota(
            &write.principal,
            &cloud,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = QuotaDocument::of(&saved.document);
    Ok(
        Answer::written(&written, &place(&cloud, &saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes a quota of a logical cloud.
#[utoipa::path(
    delete, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-quotas/{clusterQuota}", tag = "cluster-quotas",
    params(CloudPath, ("clusterQuota" = String, Path, description = "Name of the quota"), MatchHeader),
    responses(Deleted)
)]
async fn delete_quota(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, QuotaName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_quota(&who, &cloud, &name, precondition).await?;
    Ok(Answer::deleted())
}
