//! Cluster references in the main dialect.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, ReferenceDetail};
use dcm_types::{CloudKey, ReferenceName};
use dcm_wire::documents::{ReferenceDocument, read_reference};
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
        .routes(routes!(create_reference, list_references))
        .routes(routes!(get_reference, put_reference, delete_reference))
}

fn place(cloud: &CloudKey, name: &ReferenceName) -> String {
    format!("{}/cluster-references/{name}", cloud_path(cloud))
}

fn name(detail: &ReferenceDetail) -> &str {
    detail.reference.name.as_str()
}

fn view(detail: &ReferenceDetail) -> ReferenceDocument {
    ReferenceDocument::of(&detail.reference, detail.kubeconfig_until)
}

/// Creates a cluster reference. The cluster joins with the next `instantiate` or `update`.
#[utoipa::path(
    post, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references", tag = "cluster-references",
    params(CloudPath, WriteQuery),
    request_body = ReferenceDocument,
    responses(Created<ReferenceDocument>, WriteProblems)
)]
async fn create_reference(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_reference(body, None, mode))?;
    let saved = app
        .create_reference(&write.principal, &cloud, read.draft)
        .await?;
    let document = view(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&cloud, &saved.document.reference.name),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists the cluster references of a logical cloud.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references", tag = "cluster-references",
    params(CloudPath, PageQuery),
    responses(Listed<ReferenceDocument>, ReadProblems)
)]
async fn list_references(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let all = app.list_references(&who, &cloud, None).await?;
    let (views, next) = page.cut(&all, name, view);
    Ok(page.answer(&views, next.as_deref()))
}

/// Shows a cluster reference.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references/{clusterReference}", tag = "cluster-references",
    params(CloudPath, ("clusterReference" = String, Path, description = "Name of the reference")),
    responses(Found<ReferenceDocument>, ReadProblems)
)]
async fn get_reference(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, ReferenceName)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_reference(&who, &cloud, &name).await?;
    Ok(Answer::found(saved.version, &view(&saved.document)))
}

/// Replaces a cluster reference, or creates it. A reference keeps its cluster.
#[utoipa::path(
    put,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references/{clusterReference}",
    tag = "cluster-references",
    params(CloudPath, ("clusterReference" = String, Path, description = "Name of the reference"), WriteQuery, MatchHeader),
    request_body = ReferenceDocument,
    responses(Written<ReferenceDocument>, WriteProblems)
)]
async fn put_reference(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, ReferenceName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_reference(body, Some(&name), mode))?;
    let written = app
        .put_reference(
            &write.principal,
            &cloud,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let document = view(&written.saved.document);
    Ok(Answer::written(&written, &place(&cloud, &name), &document).warnings(&read.unknown))
}

/// Deletes a cluster reference.
#[utoipa::path(
    delete, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references/{clusterReference}", tag = "cluster-references",
    params(CloudPath, ("clusterReference" = String, Path, description = "Name of the reference"), MatchHeader),
    responses(Deleted)
)]
async fn delete_reference(
    State(app): State<App>,
    Names((cloud, name)): Names<(CloudKey, ReferenceName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_reference(&who, &cloud, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
