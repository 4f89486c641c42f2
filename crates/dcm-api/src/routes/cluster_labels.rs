//! Labels of clusters.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::{ClusterKey, ClusterLabelName};
use dcm_wire::documents::{ClusterLabelDocument, read_cluster_label};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    ClusterPath, Created, Deleted, Found, Listed, MatchHeader, PageQuery, ReadProblems,
    WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_cluster_label, list_cluster_labels))
        .routes(routes!(
            get_cluster_label,
            put_cluster_label,
            delete_cluster_label
        ))
}

fn place(cluster: &ClusterKey, name: &ClusterLabelName) -> String {
    format!(
        "/v2/cluster-providers/{}/clusters/{}/labels/{name}",
        cluster.provider, cluster.cluster
    )
}

/// Creates a label of a cluster.
#[utoipa::path(
    post, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/labels", tag = "cluster-labels",
    params(ClusterPath, WriteQuery),
    request_body = ClusterLabelDocument,
    responses(Created<ClusterLabelDocument>, WriteProblems)
)]
async fn create_cluster_label(
    State(app): State<App>,
    Names(cluster): Names<ClusterKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster_label(body, None, mode))?;
    let saved = app
        .create_cluster_label(&write.principal, &cluster, read.draft)
        .await?;
    let document = ClusterLabelDocument::of(&saved.document.label);
    Ok(Answer::created(
        saved.version,
        &place(&cluster, &saved.document.label),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists the labels of a cluster.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/labels", tag = "cluster-labels",
    params(ClusterPath, PageQuery),
    responses(Listed<ClusterLabelDocument>, ReadProblems)
)]
async fn list_cluster_labels(
    State(app): State<App>,
    Names(cluster): Names<ClusterKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_cluster_labels(&who, &cluster, request);
    page.list(fetch, |saved| {
        ClusterLabelDocument::of(&saved.document.label)
    })
    .await
}

/// Shows a label of a cluster.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/labels/{clusterLabel}", tag = "cluster-labels",
    params(ClusterPath, ("clusterLabel" = String, Path, description = "The label")),
    responses(Found<ClusterLabelDocument>, ReadProblems)
)]
async fn get_cluster_label(
    State(app): State<App>,
    Names((cluster, name)): Names<(ClusterKey, ClusterLabelName)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_cluster_label(&who, &cluster, &name).await?;
    Ok(Answer::found(
        saved.version,
        &ClusterLabelDocument::of(&saved.document.label),
    ))
}

/// Replaces a label of a cluster, or creates it.
#[utoipa::path(
    put, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/labels/{clusterLabel}", tag = "cluster-labels",
    params(ClusterPath, ("clusterLabel" = String, Path, description = "The label"), WriteQuery, MatchHeader),
    request_body = ClusterLabelDocument,
    responses(Written<ClusterLabelDocument>, WriteProblems)
)]
async fn put_cluster_label(
    State(app): State<App>,
    Names((cluster, name)): Names<(ClusterKey, ClusterLabelName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster_label(body, Some(&name), mode))?;
    let written = app
        .put_cluster_label(&write.principal, &cluster, &read.draft, write.precondition)
        .await?;
    let saved = &written.saved;
    let document = ClusterLabelDocument::of(&saved.document.label);
    Ok(
        Answer::written(&written, &place(&cluster, &saved.document.label), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes a label of a cluster.
#[utoipa::path(
    delete, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/labels/{clusterLabel}", tag = "cluster-labels",
    params(ClusterPath, ("clusterLabel" = String, Path, description = "The label"), MatchHeader),
    responses(Deleted)
)]
async fn delete_cluster_label(
    State(app): State<App>,
    Names((cluster, name)): Names<(ClusterKey, ClusterLabelName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_cluster_label(&who, &cluster, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
