//! Kubeconfigs of a tenant: the only secrets that any call returns, to be stored by nobody on the way.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dcm_app::App;
use dcm_types::{CloudKey, ReferenceName, UserName};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::extract::{Caller, Names, OfKubeconfig, OfUser};
use crate::openapi::{ActionProblems, CloudPath, KubeconfigQuery, UserQuery};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_member_kubeconfig))
        .routes(routes!(get_kubeconfig))
        .routes(routes!(get_member_credential))
}

/// A file for the caller alone. The name is made of validated names, so it needs no quoting.
fn file(name: &str, content: &SecretString) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/yaml".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.yaml\""),
        ),
    ];
    (headers, content.expose_secret().to_owned()).into_response()
}

/// The name of the file, with that of the user who was asked for.
fn with_user(name: String, user: Option<&UserName>) -> String {
    match user {
        Some(user) => format!("{name}-{user}"),
        None => name,
    }
}

/// The tenant's kubeconfig for one member. 409 until the member's certificate is there.
#[utoipa::path(
    get, tag = "kubeconfigs",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references/{clusterReference}/kubeconfig",
    params(CloudPath, ("clusterReference" = String, Path, description = "Name of the reference"), KubeconfigQuery),
    responses(
        (status = 200, body = String, content_type = "application/yaml", description = "The kubeconfig"),
        ActionProblems,
    )
)]
async fn get_member_kubeconfig(
    State(app): State<App>,
    Names((cloud, reference)): Names<(CloudKey, ReferenceName)>,
    Caller(who): Caller,
    OfKubeconfig(asked): OfKubeconfig,
) -> Result<Response, ApiError> {
    let kubeconfig = app
        .member_kubeconfig(&who, &cloud, &reference, &asked)
        .await?;
    let name = format!("{}-{reference}", cloud.cloud);
    Ok(file(&with_user(name, asked.user.as_ref()), &kubeconfig))
}

/// The tenant's kubeconfig with a context for each member that has a certificate.
#[utoipa::path(
    get, tag = "kubeconfigs",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/kubeconfig",
    params(CloudPath, KubeconfigQuery),
    responses(
        (status = 200, body = String, content_type = "application/yaml", description = "The kubeconfig"),
        ActionProblems,
    )
)]
async fn get_kubeconfig(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    OfKubeconfig(asked): OfKubeconfig,
) -> Result<Response, ApiError> {
    let kubeconfig = app.merged_kubeconfig(&who, &cloud, &asked).await?;
    let name = cloud.cloud.to_string();
    Ok(file(&with_user(name, asked.user.as_ref()), &kubeconfig))
}

/// The tenant's credential for one member, as a credential plugin gives it (`ExecCredential`). 409 until
/// it is there.
#[utoipa::path(
    get, tag = "kubeconfigs",
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/cluster-references/{clusterReference}/credential",
    params(CloudPath, ("clusterReference" = String, Path, description = "Name of the reference"), UserQuery),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json", description = "The credential"),
        ActionProblems,
    )
)]
async fn get_member_credential(
    State(app): State<App>,
    Names((cloud, reference)): Names<(CloudKey, ReferenceName)>,
    Caller(who): Caller,
    OfUser(user): OfUser,
) -> Result<Response, ApiError> {
    let credential = app
        .member_credential(&who, &cloud, &reference, user.as_ref())
        .await?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, credential.expose_secret().to_owned()).into_response())
}
