//! Cluster references in the paths and the flat form of the original design.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, Error, ReferenceDetail};
use dcm_types::{CloudKey, ClusterKey, ProviderName};
use dcm_wire::documents::{FlatReference, FlatReferenceList, read_flat_reference};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    Deleted, Found, MatchHeader, PageQuery, ReadProblems, WriteProblems, WriteQuery,
};
use crate::state::ApiState;

/// Path of the list, which is served with a slash at its end too.
pub(crate) const LIST_PATH: &str = "/v2/projects/{project}/logical-clouds/{logicalCloud}\
                                    /cluster-providers/{clusterProvider}/cluster-references";

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_flat_references))
        .routes(routes!(
            get_flat_reference,
            put_flat_reference,
            delete_flat_reference
        ))
}

/// Path of the references of a provider.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
struct ProviderInCloud {
    /// Name of the project.
    project: String,
    /// Name of the logical cloud within it.
    logical_cloud: String,
    /// Name of the cluster provider.
    cluster_provider: String,
}

/// Path of the reference of a cluster.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Names`"
)]
struct ClusterInCloud {
    /// Name of the project.
    project: String,
    /// Name of the logical cloud within it.
    logical_cloud: String,
    /// Name of the cluster provider.
    cluster_provider: String,
    /// Name of the cluster within it.
    cluster: String,
}

fn name(detail: &ReferenceDetail) -> &str {
    detail.reference.name.as_str()
}

fn view(detail: &ReferenceDetail) -> FlatReference {
    FlatReference::of(&detail.reference)
}

/// The cluster stands in the path here, and is told as that.
fn told(mut error: Error) -> Error {
    for fault in &mut error.faults {
        if fault.field == "spec.cluster" {
            "cluster".clone_into(&mut fault.field);
        }
    }
    error
}

/// Lists the references to the clusters of one provider. The same with a slash at the end.
#[utoipa::path(
    get, tag = "cluster-references",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-providers/{clusterProvider}/cluster-references",
    params(ProviderInCloud, PageQuery),
    responses((status = 200, body = FlatReferenceList, description = "The list"), ReadProblems)
)]
pub(crate) async fn list_flat_references(
    State(app): State<App>,
    Names((cloud, provider)): Names<(CloudKey, ProviderName)>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let all = app.list_references(&who, &cloud, Some(&provider)).await?;
    let (cluster_references, next) = page.cut(&all, name, view);
    let list = FlatReferenceList { cluster_references };
    Ok(page.answer(&list, next.as_deref()))
}

/// Shows the reference to a cluster.
#[utoipa::path(
    get, tag = "cluster-references",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-providers/{clusterProvider}/cluster-references/{cluster}",
    params(ClusterInCloud),
    responses(Found<FlatReference>, ReadProblems)
)]
async fn get_flat_reference(
    State(app): State<App>,
    Names((cloud, cluster)): Names<(CloudKey, ClusterKey)>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_reference_of(&who, &cloud, &cluster).await?;
    Ok(Answer::found(saved.version, &view(&saved.document)))
}

/// Associates a cluster with the logical cloud, or changes the address of its load balancer. Always
/// 200, as in the original design.
#[utoipa::path(
    put, tag = "cluster-references",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-providers/{clusterProvider}/cluster-references/{cluster}",
    params(ClusterInCloud, WriteQuery, MatchHeader),
    request_body = FlatReference,
    responses(Found<FlatReference>, WriteProblems)
)]
async fn put_flat_reference(
    State(app): State<App>,
    Names((cloud, cluster)): Names<(CloudKey, ClusterKey)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_flat_reference(body, &cluster.cluster, mode))?;
    let written = app
        .put_reference_of(
            &write.principal,
            &cloud,
            &cluster,
            read.draft,
            write.precondition,
        )
        .await
        .map_err(told)?;
    let saved = &written.saved;
    Ok(Answer::found(saved.version, &view(&saved.document)).warnings(&read.unknown))
}

/// Drops a cluster from the logical cloud; it is cleaned with the next `update`.
#[utoipa::path(
    delete,
    tag = "cluster-references",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-providers/{clusterProvider}/cluster-references/{cluster}",
    params(ClusterInCloud, MatchHeader),
    responses(Deleted)
)]
async fn delete_flat_reference(
    State(app): State<App>,
    Names((cloud, cluster)): Names<(CloudKey, ClusterKey)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_reference_of(&who, &cloud, &cluster, precondition)
        .await?;
    Ok(Answer::deleted())
}
