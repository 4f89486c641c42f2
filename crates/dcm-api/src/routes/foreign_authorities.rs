//! Authorities of others: a certificate that comes with its key, and the answer to a certificate request. A key
//! goes in and never comes out; no answer is kept on the way.

use axum::extract::State;
use dcm_app::App;
use dcm_types::CloudKey;
use dcm_types::ca::{AuthorityScope, AuthoritySummary};
use dcm_wire::documents::{
    AuthorityImport, SignedAuthority, read_authority_import, read_signed_authority,
};
use dcm_wire::views::AuthorityView;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Names, Unkeyed, Write};
use crate::openapi::{CloudPath, WriteProblems, WriteQuery};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(import_authority))
        .routes(routes!(install_signed_authority))
        .routes(routes!(import_organization_authority))
        .routes(routes!(install_signed_organization_authority))
}

/// Takes a certificate authority that somebody else made, with its key, as the anchor of a logical cloud. Every
/// rule is checked first. Where there is an anchor already, a rotation to this one begins.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/import",
    tag = "authorities",
    params(CloudPath, WriteQuery),
    request_body = AuthorityImport,
    responses((status = 200, body = AuthorityView, description = "The authority, without keys"), WriteProblems)
)]
async fn import_authority(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    _: Unkeyed,
    write: Write,
) -> Result<Answer, ApiError> {
    import(&app, &AuthorityScope::Cloud(cloud), &write).await
}

/// Takes the answer to the certificate request of a logical cloud: it becomes its anchor. Every rule is checked
/// first. Where there is an anchor already, a rotation to this one begins.
#[utoipa::path(
    post,
    path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/ca/signed",
    tag = "authorities",
    params(CloudPath, WriteQuery),
    request_body = SignedAuthority,
    responses((status = 200, body = AuthorityView, description = "The authority, without keys"), WriteProblems)
)]
async fn install_signed_authority(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    _: Unkeyed,
    write: Write,
) -> Result<Answer, ApiError> {
    install(&app, &AuthorityScope::Cloud(cloud), &write).await
}

/// Takes a certificate authority that somebody else made, with its key, as the organisation's root. It signs the
/// anchors of the logical clouds below it.
#[utoipa::path(
    post,
    path = "/v2/ca/import",
    tag = "authorities",
    params(WriteQuery),
    request_body = AuthorityImport,
    responses((status = 200, body = AuthorityView, description = "The authority, without keys"), WriteProblems)
)]
async fn import_organization_authority(
    State(app): State<App>,
    _: Unkeyed,
    write: Write,
) -> Result<Answer, ApiError> {
    import(&app, &AuthorityScope::Organization, &write).await
}

/// Takes the answer to the certificate request of the organisation: it becomes its root.
#[utoipa::path(
    post,
    path = "/v2/ca/signed",
    tag = "authorities",
    params(WriteQuery),
    request_body = SignedAuthority,
    responses((status = 200, body = AuthorityView, description = "The authority, without keys"), WriteProblems)
)]
async fn install_signed_organization_authority(
    State(app): State<App>,
    _: Unkeyed,
    write: Write,
) -> Result<Answer, ApiError> {
    install(&app, &AuthorityScope::Organization, &write).await
}

async fn import(app: &App, scope: &AuthorityScope, write: &Write) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_authority_import(body, scope, mode))?;
    let authority = app.import_authority(&write.principal, read.draft).await?;
    Ok(taken(&authority).warnings(&read.unknown))
}

async fn install(app: &App, scope: &AuthorityScope, write: &Write) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_signed_authority(body, scope, mode))?;
    let authority = app
        .install_signed_authority(&write.principal, &read.draft)
        .await?;
    Ok(taken(&authority).warnings(&read.unknown))
}

fn taken(authority: &AuthoritySummary) -> Answer {
    Answer::json(StatusCode::OK, &AuthorityView::of(authority, &[]))
        .header(CACHE_CONTROL, "no-store")
}
