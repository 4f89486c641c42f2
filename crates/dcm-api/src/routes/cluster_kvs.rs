//! Key-values of clusters.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::{ClusterKey, ClusterKvName};
use dcm_wire::documents::{KvDocument, read_cluster_kv};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PairsOrValue, key_value};
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, KvKey, Names, Page, Write};
use crate::openapi::{
    ClusterPath, Created, Deleted, Found, KvQuery, Listed, MatchHeader, PageQuery, ReadProblems,
    WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_cluster_kv, list_cluster_kvs))
        .routes(routes!(get_cluster_kv, put_cluster_kv, delete_cluster_kv))
}

fn place(cluster: &ClusterKey, name: &ClusterKvName) -> String {
    format!(
        "/v2/cluster-providers/{}/clusters/{}/kv-pairs/{name}",
        cluster.provider, cluster.cluster
    )
}

/// Creates key-values of a cluster.
#[utoipa::path(
    post, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/kv-pairs", tag = "cluster-kv-pairs",
    params(ClusterPath, WriteQuery),
    request_body = KvDocument,
    responses(Created<KvDocument>, WriteProblems)
)]
async fn create_cluster_kv(
    State(app): State<App>,
    Names(cluster): Names<ClusterKey>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster_kv(body, None, mode))?;
    let saved = app
        .create_cluster_kv(&write.principal, &cluster, read.draft)
        .await?;
    let document = KvDocument::of(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&cluster, &saved.document.name),
        &document,
    )
    .warnings(&read.unknown))
}

/// Lists key-values of a cluster.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/kv-pairs", tag = "cluster-kv-pairs",
    params(ClusterPath, PageQuery),
    responses(Listed<KvDocument>, ReadProblems)
)]
async fn list_cluster_kvs(
    State(app): State<App>,
    Names(cluster): Names<ClusterKey>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_cluster_kvs(&who, &cluster, request);
    page.list(fetch, |saved| KvDocument::of(&saved.document))
        .await
}

/// Shows key-values of a cluster.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/kv-pairs/{clusterKv}", tag = "cluster-kv-pairs",
    params(ClusterPath, ("clusterKv" = String, Path, description = "Name of the key-values"), KvQuery),
    responses(Found<PairsOrValue>, ReadProblems)
)]
async fn get_cluster_kv(
    State(app): State<App>,
    Names((cluster, name)): Names<(ClusterKey, ClusterKvName)>,
    Caller(who): Caller,
    KvKey(key): KvKey,
) -> Result<Answer, ApiError> {
    let saved = app.get_cluster_kv(&who, &cluster, &name).await?;
    if let Some(key) = key {
        let value = saved.document.pairs.get(&key);
        return key_value(saved.version, value);
    }
    Ok(Answer::found(
        saved.version,
        &KvDocument::of(&saved.document),
    ))
}

/// Replaces key-values of a cluster, or creates it.
#[utoipa::path(
    put, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/kv-pairs/{clusterKv}", tag = "cluster-kv-pairs",
    params(ClusterPath, ("clusterKv" = String, Path, description = "Name of the key-values"), WriteQuery, MatchHeader),
    request_body = KvDocument,
    responses(Written<KvDocument>, WriteProblems)
)]
async fn put_cluster_kv(
    State(app): State<App>,
    Names((cluster, name)): Names<(ClusterKey, ClusterKvName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_cluster_kv(body, Some(&name), mode))?;
    let written = app
        .put_cluster_kv(
            &write.principal,
            &cluster,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = KvDocument::of(&saved.document);
    Ok(
        Answer::written(&written, &place(&cluster, &saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes key-values of a cluster.
#[utoipa::path(
    delete, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/kv-pairs/{clusterKv}", tag = "cluster-kv-pairs",
    params(ClusterPath, ("clusterKv" = String, Path, description = "Name of the key-values"), MatchHeader),
    responses(Deleted)
)]
async fn delete_cluster_kv(
    State(app): State<App>,
    Names((cluster, name)): Names<(ClusterKey, ClusterKvName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_cluster_kv(&who, &cluster, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
