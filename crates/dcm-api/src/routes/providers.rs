//! Cluster providers.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::ProviderName;
use dcm_wire::documents::{ProviderDocument, read_provider};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, Names, Page, Write};
use crate::openapi::{
    Created, Deleted, Found, Listed, MatchHeader, PageQuery, ProviderPath, ReadProblems,
    WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_provider, list_providers))
        .routes(routes!(get_provider, put_provider, delete_provider))
}

fn place(name: &ProviderName) -> String {
    format!("/v2/cluster-providers/{name}")
}

/// Creates a cluster provider.
#[utoipa::path(
    post, path = "/v2/cluster-providers", tag = "cluster-providers",
    params(WriteQuery),
    request_body = ProviderDocument,
    responses(Created<ProviderDocument>, WriteProblems)
)]
async fn create_provider(State(app): State<App>, write: Write) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_provider(body, None, mode))?;
    let saved = app.create_provider(&write.principal, read.draft).await?;
    let document = ProviderDocument::of(&saved.document);
    Ok(
        Answer::created(saved.version, &place(&saved.document.name), &document)
            .warnings(&read.unknown),
    )
}

/// Lists cluster providers.
#[utoipa::path(
    get, path = "/v2/cluster-providers", tag = "cluster-providers",
    params(PageQuery),
    responses(Listed<ProviderDocument>, ReadProblems)
)]
async fn list_providers(
    State(app): State<App>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_providers(&who, request);
    page.list(fetch, |saved| ProviderDocument::of(&saved.document))
        .await
}

/// Shows a cluster provider.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}", tag = "cluster-providers",
    params(ProviderPath),
    responses(Found<ProviderDocument>, ReadProblems)
)]
async fn get_provider(
    State(app): State<App>,
    Names(name): Names<ProviderName>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_provider(&who, &name).await?;
    Ok(Answer::found(
        saved.version,
        &ProviderDocument::of(&saved.document),
    ))
}

/// Replaces a cluster provider, or creates it.
#[utoipa::path(
    put, path = "/v2/cluster-providers/{clusterProvider}", tag = "cluster-providers",
    params(ProviderPath, WriteQuery, MatchHeader),
    request_body = ProviderDocument,
    responses(Written<ProviderDocument>, WriteProblems)
)]
async fn put_provider(
    State(app): State<App>,
    Names(name): Names<ProviderName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_provider(body, Some(&name), mode))?;
    let written = app
        .put_provider(&write.principal, &name, read.draft, write.precondition)
        .await?;
    let saved = &written.saved;
    let document = ProviderDocument::of(&saved.document);
    Ok(Answer::written(&written, &place(&saved.document.name), &document).warnings(&read.unknown))
}

/// Deletes a cluster provider.
#[utoipa::path(
    delete,
    path = "/v2/cluster-providers/{clusterProvider}",
    tag = "cluster-providers",
    params(ProviderPath, MatchHeader),
    responses(Deleted)
)]
async fn delete_provider(
    State(app): State<App>,
    Names(name): Names<ProviderName>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_provider(&who, &name, precondition).await?;
    Ok(Answer::deleted())
}
