//! Registered clusters: a credential goes in, health comes out.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, ClusterDetail};
use dcm_types::{ClusterKey, ProviderName};
use dcm_wire::documents::{ClusterDocument, CreateCluster, read_cluster};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    ClusterPath, DeleteProblems, MatchHeader, PageQuery, ProviderPath, ReadProblems, WriteProblems,
    WriteQuery,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_cluster, list_clusters))
        .routes(routes!(get_cluster, put_cluster, delete_cluster))
}

fn place(key: &ClusterKey) -> String {
    format!(
        "/v2/cluster-providers/{}/clusters/{}",
        key.provider, key.cluster
    )
}

fn view(detail: &ClusterDetail) -> ClusterDocument {
    ClusterDocument::of(&detail.cluster, detail.health.as_ref())
}

/// Registers a cluster. It is checked in the background; `status` shows what was found.
#[utoipa::path(
    post, path = "/v2/cluster-providers/{clusterProvider}/clusters", tag = "clusters",
    params(ProviderPath, WriteQuery),
    request_body = CreateCluster,
    responses(
        (status = 201, body = ClusterDocument, description = "Created", headers(
            ("ETag" = String, description = "Its version"),
            ("Location" = String, description = "Its path"),
        )),
        WriteProblems,
    )
)]
async fn create_cluster(
    State(app): State<App>,
    Names(provider): Names<ProviderName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster(body, None, mode))?;
    let saved = app
        .create_cluster(&write.principal, &provider, read.draft)
        .await?;
    let document = view(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&saved.document.cluster.key),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists the clusters of a provider.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters", tag = "clusters",
    params(ProviderPath, PageQuery),
    responses((status = 200, body = Vec<ClusterDocument>, description = "The list"), ReadProblems)
)]
async fn list_clusters(
    State(app): State<App>,
    Names(provider): Names<ProviderName>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_clusters(&who, &provider, request);
    page.list(fetch, |saved| view(&saved.document)).await
}

/// Shows a cluster.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}", tag = "clusters",
    params(ClusterPath),
    responses(
        (status = 200, body = ClusterDocument, description = "The document", headers(
            ("ETag" = String, description = "Its version"),
        )),
        ReadProblems,
    )
)]
async fn get_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_cluster(&who, &key).await?;
    Ok(Answer::found(saved.version, &view(&saved.document)))
}

/// Replaces a cluster, or creates it. Without a kubeconfig the present one is kept.
#[utoipa::path(
    put, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}", tag = "clusters",
    params(ClusterPath, WriteQuery, MatchHeader),
    request_body = CreateCluster,
    responses(
        (status = 200, body = ClusterDocument, description = "Replaced", headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 201, body = ClusterDocument, description = "Created", headers(
            ("ETag" = String, description = "Its version"),
            ("Location" = String, description = "Its path"),
        )),
        WriteProblems,
    )
)]
async fn put_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster(body, Some(&key.cluster), mode))?;
    let written = app
        .put_cluster(&write.principal, &key, read.draft, write.precondition)
        .await?;
    let saved = &written.saved;
    let document = view(&saved.document);
    Ok(
        Answer::written(&written, &place(&saved.document.cluster.key), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes a cluster.
#[utoipa::path(
    delete, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}", tag = "clusters",
    params(ClusterPath, MatchHeader),
    responses((status = 204, description = "Deleted"), DeleteProblems)
)]
async fn delete_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_cluster(&who, &key, precondition).await?;
    Ok(Answer::deleted())
}
