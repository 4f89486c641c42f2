//! The mesh of a logical cloud: what its members shall hold of it. What is wished stands in the logical cloud.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dcm_app::App;
use dcm_types::{CloudKey, ClusterKey, TargetKey};
use dcm_wire::views::ServiceMeshView;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, Names};
use crate::openapi::{CloudPath, ClusterPath, ReadProblems};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_service_mesh))
        .routes(routes!(get_mesh_manifest))
}

/// Shows what each member shall hold of the mesh of a logical cloud: bundle, manifest, the other members, and what
/// hinders; never a key.
#[utoipa::path(
    get,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/service-mesh",
    tag = "service-meshes",
    params(CloudPath),
    responses((status = 200, body = ServiceMeshView, description = "The mesh"), ReadProblems)
)]
async fn get_service_mesh(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let mesh = app.service_mesh(&who, &cloud).await?;
    let view = ServiceMeshView::of(&mesh.cloud, &mesh.members);
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Shows what was rendered for the control plane of a member; only members of a mesh of mode `istio` have it.
#[utoipa::path(
    get,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/service-mesh/cluster-providers/{clusterProvider}/clusters/{cluster}/manifest",
    tag = "service-meshes",
    params(CloudPath, ClusterPath),
    responses(
        (status = 200, body = String, content_type = "application/yaml", description = "The manifest"),
        ReadProblems,
    )
)]
async fn get_mesh_manifest(
    State(app): State<App>,
    Names((cloud, cluster)): Names<(CloudKey, ClusterKey)>,
    Caller(who): Caller,
) -> Result<Response, ApiError> {
    let target = TargetKey { cloud, cluster };
    let manifest = app.mesh_manifest(&who, &target).await?;
    Ok(([(CONTENT_TYPE, "application/yaml")], manifest).into_response())
}
