//! Registered clusters: a credential goes in, health comes out.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, ClusterDetail, ClusterLabels, Error};
use dcm_types::{ClusterKey, ProviderName};
use dcm_wire::documents::{ClusterDocument, CreateCluster, LabelledCluster};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, ClusterQuery, ClusterWrite, Forget, IfMatch, Names, Page};
use crate::openapi::{
    ClusterListQuery, ClusterPath, Created, Deleted, ForgetQuery, Found, Listed, MatchHeader,
    PageQuery, ProviderPath, ReadProblems, WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_cluster, list_clusters))
        .routes(routes!(get_cluster, put_cluster, delete_cluster))
        .routes(routes!(probe_cluster))
}

fn place(key: &ClusterKey) -> String {
    format!(
        "/v2/cluster-providers/{}/clusters/{}",
        key.provider, key.cluster
    )
}

/// A form that registers a cluster, as clients of the later system send it.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes a body; `ClusterWrite` reads it")]
struct ClusterForm {
    /// The document, without a kubeconfig.
    #[schema(content_media_type = "application/json")]
    metadata: String,
    /// The administrator's kubeconfig, at most 256 KiB. A cluster that is reached through a repository
    /// has none; a PUT without it keeps the present one.
    #[schema(content_media_type = "application/octet-stream")]
    file: Option<String>,
}

/// What a list of clusters holds.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) enum ClusterItem {
    /// Without `label` and `withLabels`.
    Document(Box<ClusterDocument>),
    /// With `withLabels=true`.
    Labelled(LabelledCluster),
    /// With `label`: the name.
    Name(String),
}

/// A fault of an uploaded kubeconfig is one of the part that holds it.
fn told(mut error: Error, write: &ClusterWrite) -> Error {
    if !write.is_form() {
        return error;
    }
    for fault in &mut error.faults {
        if let Some(rest) = fault.field.strip_prefix("spec.kubeconfig") {
            fault.field = format!("file{rest}");
        }
    }
    error
}

fn view(detail: &ClusterDetail) -> ClusterDocument {
    ClusterDocument::of(&detail.cluster, detail.health.as_ref())
}

/// Registers a cluster. It is checked in the background; `status` shows what was found.
#[utoipa::path(
    post, path = "/v2/cluster-providers/{clusterProvider}/clusters", tag = "clusters",
    params(ProviderPath, WriteQuery),
    request_body(content(
        (CreateCluster = "application/json"),
        (ClusterForm = "multipart/form-data"),
    )),
    responses(Created<ClusterDocument>, WriteProblems)
)]
async fn create_cluster(
    State(app): State<App>,
    Names(provider): Names<ProviderName>,
    form: ClusterWrite,
) -> Result<Answer, ApiError> {
    let read = form.decode(None)?;
    let who = &form.write.principal;
    let saved = app.create_cluster(who, &provider, read.draft).await;
    let saved = saved.map_err(|error| told(error, &form))?;
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
    params(ProviderPath, PageQuery, ClusterListQuery),
    responses(Listed<ClusterItem>, ReadProblems)
)]
async fn list_clusters(
    State(app): State<App>,
    Names(provider): Names<ProviderName>,
    Caller(who): Caller,
    query: ClusterQuery,
    page: Page,
) -> Result<Response, ApiError> {
    let filter = &query.filter;
    if query.with_labels {
        let fetch = |request| app.list_cluster_labels_of(&who, &provider, filter, request);
        let labelled = |of: &ClusterLabels| LabelledCluster::of(&of.cluster, &of.labels);
        return page.list(fetch, |saved| labelled(&saved.document)).await;
    }
    if filter.label.is_some() {
        let fetch = |request| app.list_cluster_labels_of(&who, &provider, filter, request);
        let name = |of: &ClusterLabels| of.cluster.key.cluster.to_string();
        return page.list(fetch, |saved| name(&saved.document)).await;
    }
    let fetch = |request| app.list_clusters(&who, &provider, filter, request);
    page.list(fetch, |saved| view(&saved.document)).await
}

/// Shows a cluster.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}", tag = "clusters",
    params(ClusterPath),
    responses(Found<ClusterDocument>, ReadProblems)
)]
async fn get_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_cluster(&who, &key).await?;
    Ok(Answer::found(saved.version, &view(&saved.document)))
}

/// Replaces a cluster, or creates it, in one commit. Without a kubeconfig the present one is kept,
/// without `labels` the present labels.
#[utoipa::path(
    put, path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}", tag = "clusters",
    params(ClusterPath, WriteQuery, MatchHeader),
    request_body(content(
        (CreateCluster = "application/json"),
        (ClusterForm = "multipart/form-data"),
    )),
    responses(Written<ClusterDocument>, WriteProblems)
)]
async fn put_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    form: ClusterWrite,
) -> Result<Answer, ApiError> {
    let read = form.decode(Some(&key.cluster))?;
    let (who, precondition) = (&form.write.principal, form.write.precondition.clone());
    let written = app.put_cluster(who, &key, read.draft, precondition).await;
    let written = written.map_err(|error| told(error, &form))?;
    let saved = &written.saved;
    let document = view(&saved.document);
    Ok(
        Answer::written(&written, &place(&saved.document.cluster.key), &document)
            .warnings(&read.unknown),
    )
}

/// Deletes a cluster that no logical cloud uses; or, with `forget`, also one that will never return. What
/// logical clouds have in it is then written off, each with an audit record; their references stay and say so.
#[utoipa::path(
    delete,
    path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}",
    tag = "clusters",
    params(ClusterPath, ForgetQuery, MatchHeader),
    responses(Deleted)
)]
async fn delete_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    Caller(who): Caller,
    Forget(forget): Forget,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    if forget {
        app.forget_cluster(&who, &key, precondition).await?;
    } else {
        app.delete_cluster(&who, &key, precondition).await?;
    }
    Ok(Answer::deleted())
}

/// Has a cluster checked now. While it does not answer nothing but a probe is sent to it, at most every few
/// minutes; this shortens the wait. The result stands in the `status` of the cluster.
#[utoipa::path(
    post,
    path = "/v2/cluster-providers/{clusterProvider}/clusters/{cluster}/probe",
    tag = "clusters",
    params(ClusterPath),
    responses(
        (status = 202, body = ClusterDocument, description = "Asked for; the cluster as it is known now", headers(
            ("Location" = String, description = "Path of the cluster"),
        )),
        ReadProblems,
    )
)]
async fn probe_cluster(
    State(app): State<App>,
    Names(key): Names<ClusterKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_cluster(&who, &key).await?;
    app.probe_cluster(&who, &key).await?;
    Ok(Answer::accepted(&place(&key), &view(&saved.document)))
}
