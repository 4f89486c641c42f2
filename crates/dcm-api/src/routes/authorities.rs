//! The authorities of meshes: of a logical cloud, and of the organisation above all of them.

use axum::extract::State;
use dcm_app::{App, Run};
use dcm_types::ca::{AuthorityRequest, AuthorityScope};
use dcm_types::{CloudKey, ClusterKey, TargetKey};
use dcm_wire::views::{
    AuthorityRequestView, AuthorityView, BundleView, KeyEventsView, RotationView,
};
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cloud_path;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, DryRun, Kind, Names, Unkeyed};
use crate::openapi::{ActionProblems, CloudPath, ClusterPath, ReadProblems};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_authority))
        .routes(routes!(get_rotation, start_rotation))
        .routes(routes!(abort_rotation))
        .routes(routes!(revoke_edge))
        .routes(routes!(request_authority))
        .routes(routes!(verify_key_events))
        .routes(routes!(get_organization_authority))
        .routes(routes!(request_organization_authority))
        .routes(routes!(verify_organization_key_events))
}

/// Query of a rotation.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Kind` and `DryRun`"
)]
struct RotationQuery {
    /// What gets a new key: `intermediate` (that of every edge, under the same anchor) or `anchor`.
    #[param(pattern = "^(intermediate|anchor)$")]
    kind: String,
    /// Only tell what would be done, and who would hold it up now.
    dry_run: Option<bool>,
}

/// Shows the anchors of a logical cloud's mesh, its last rotation, and the intermediates of its edges; never a
/// key.
#[utoipa::path(
    get,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca",
    tag = "authorities",
    params(CloudPath),
    responses((status = 200, body = AuthorityView, description = "The authority"), ReadProblems)
)]
async fn get_authority(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let scope = AuthorityScope::Cloud(cloud.clone());
    let authority = app.authority(&who, &scope).await?;
    let bundles = app.bundles(&who, &cloud).await?;
    let view = AuthorityView::of(&authority, &bundles);
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Shows the last rotation, and which members hold it up.
#[utoipa::path(
    get,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/rotation",
    tag = "authorities",
    params(CloudPath),
    responses((status = 200, body = RotationView, description = "The rotation"), ReadProblems)
)]
async fn get_rotation(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let rotation = app.rotation(&who, &cloud).await?;
    Ok(Answer::json(StatusCode::OK, &RotationView::of(&rotation)))
}

/// Begins a rotation. It goes on in the background, phase by phase, each when every member was seen to
/// follow.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/rotation",
    tag = "authorities",
    params(CloudPath, RotationQuery),
    responses(
        (status = 200, body = RotationView, description = "What would be done"),
        (status = 202, body = RotationView, description = "Accepted", headers(
            ("Location" = String, description = "Path of the rotation"),
        )),
        ActionProblems,
    )
)]
async fn start_rotation(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    Kind(kind): Kind,
    DryRun(run): DryRun,
    _: Unkeyed,
) -> Result<Answer, ApiError> {
    let rotation = app.start_rotation(&who, &cloud, kind, run).await?;
    let view = RotationView::of(&rotation);
    Ok(match run {
        Run::Dry => Answer::json(StatusCode::OK, &view),
        Run::Real => Answer::accepted(&rotation_path(&cloud), &view),
    })
}

/// Ends the running rotation: that of intermediates at any time, that of an anchor until the new one signs.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/rotation/abort",
    tag = "authorities",
    params(CloudPath),
    responses(
        (status = 202, body = RotationView, description = "Accepted", headers(
            ("Location" = String, description = "Path of the rotation"),
        )),
        ActionProblems,
    )
)]
async fn abort_rotation(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    _: Unkeyed,
) -> Result<Answer, ApiError> {
    let rotation = app.abort_rotation(&who, &cloud).await?;
    Ok(Answer::accepted(
        &rotation_path(&cloud),
        &RotationView::of(&rotation),
    ))
}

/// Revokes the present intermediate of an edge: every member gets a list that names it, and the edge a new
/// one.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/cluster-providers/{clusterProvider}/clusters/{cluster}/revoke",
    tag = "authorities",
    params(CloudPath, ClusterPath),
    responses(
        (status = 202, body = BundleView, description = "Accepted", headers(
            ("Location" = String, description = "Path of the authority"),
        )),
        ActionProblems,
    )
)]
async fn revoke_edge(
    State(app): State<App>,
    Names((cloud, cluster)): Names<(CloudKey, ClusterKey)>,
    Caller(who): Caller,
    _: Unkeyed,
) -> Result<Answer, ApiError> {
    let path = format!("{}/ca", cloud_path(&cloud));
    let bundle = app.revoke_edge(&who, &TargetKey { cloud, cluster }).await?;
    Ok(Answer::accepted(&path, &BundleView::of(&bundle)))
}

/// Asks for a certificate request that somebody else signs; the answer becomes the anchor of the logical
/// cloud. The key is made in the background: ask again until the request is there. It stays the same until it
/// is answered.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/request",
    tag = "authorities",
    params(CloudPath),
    responses(
        (status = 200, body = AuthorityRequestView, description = "The request"),
        (status = 202, body = AuthorityRequestView, description = "Its key is being made"),
        ActionProblems,
    )
)]
async fn request_authority(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    _: Unkeyed,
) -> Result<Answer, ApiError> {
    let scope = AuthorityScope::Cloud(cloud);
    let request = app.request_authority(&who, &scope).await?;
    Ok(requested(&request))
}

/// Verifies the chained record of what happened to the keys of a logical cloud.
#[utoipa::path(
    get,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/audit",
    tag = "authorities",
    params(CloudPath),
    responses((status = 200, body = KeyEventsView, description = "The result"), ReadProblems)
)]
async fn verify_key_events(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let scope = AuthorityScope::Cloud(cloud);
    let report = app.verify_key_events(&who, &scope).await?;
    Ok(Answer::json(StatusCode::OK, &KeyEventsView::of(&report)))
}

/// Shows the organisation's root.
#[utoipa::path(
    get,
    path = "/v2/ca",
    tag = "authorities",
    responses((status = 200, body = AuthorityView, description = "The authority"), ReadProblems)
)]
async fn get_organization_authority(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let authority = app.authority(&who, &AuthorityScope::Organization).await?;
    let view = AuthorityView::of(&authority, &[]);
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Asks for a certificate request whose answer becomes the organisation's root.
#[utoipa::path(
    post,
    path = "/v2/ca/request",
    tag = "authorities",
    responses(
        (status = 200, body = AuthorityRequestView, description = "The request"),
        (status = 202, body = AuthorityRequestView, description = "Its key is being made"),
        ActionProblems,
    )
)]
async fn request_organization_authority(
    State(app): State<App>,
    Caller(who): Caller,
    _: Unkeyed,
) -> Result<Answer, ApiError> {
    let scope = AuthorityScope::Organization;
    let request = app.request_authority(&who, &scope).await?;
    Ok(requested(&request))
}

/// Verifies the chained record of what happened to the keys of the organisation's root.
#[utoipa::path(
    get,
    path = "/v2/ca/audit",
    tag = "authorities",
    responses((status = 200, body = KeyEventsView, description = "The result"), ReadProblems)
)]
async fn verify_organization_key_events(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let scope = AuthorityScope::Organization;
    let report = app.verify_key_events(&who, &scope).await?;
    Ok(Answer::json(StatusCode::OK, &KeyEventsView::of(&report)))
}

fn requested(request: &AuthorityRequest) -> Answer {
    let status = match request.pem {
        Some(_) => StatusCode::OK,
        None => StatusCode::ACCEPTED,
    };
    Answer::json(status, &AuthorityRequestView::of(request))
}

fn rotation_path(cloud: &CloudKey) -> String {
    format!("{}/ca/rotation", cloud_path(cloud))
}
