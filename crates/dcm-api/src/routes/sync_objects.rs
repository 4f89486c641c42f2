//! Synchronisation objects of cluster providers. Their values are sealed in the store and returned in
//! clear, with `Cache-Control: no-store`.

use axum::extract::State;
use axum::response::Response;
use dcm_app::{App, SyncObjectDetail};
use dcm_types::{ProviderName, SyncObjectName};
use dcm_wire::documents::{KvDocument, read_sync_object};
use http::header::{CACHE_CONTROL, HeaderValue};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PairsOrValue, key_value};
use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, IfMatch, KvKey, Names, Page, Write};
use crate::openapi::{
    Created, Deleted, Found, KvQuery, Listed, MatchHeader, PageQuery, ProviderPath, ReadProblems,
    WriteProblems, WriteQuery, Written,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create_sync_object, list_sync_objects))
        .routes(routes!(
            get_sync_object,
            put_sync_object,
            delete_sync_object
        ))
}

/// Tokens may be among the values, so no answer with them is kept on the way.
const NO_STORE: &str = "no-store";

fn secret(answer: Answer) -> Answer {
    answer.header(CACHE_CONTROL, NO_STORE)
}

fn view(detail: &SyncObjectDetail) -> KvDocument {
    let object = &detail.object;
    KvDocument::with(object.name.as_str(), &object.metadata, &detail.pairs)
}

fn place(provider: &ProviderName, name: &SyncObjectName) -> String {
    format!("/v2/cluster-providers/{provider}/cluster-sync-objects/{name}")
}

/// Creates a synchronisation object of a cluster provider.
#[utoipa::path(
    post, path = "/v2/cluster-providers/{clusterProvider}/cluster-sync-objects", tag = "cluster-sync-objects",
    params(ProviderPath, WriteQuery),
    request_body = KvDocument,
    responses(Created<KvDocument>, WriteProblems)
)]
async fn create_sync_object(
    State(app): State<App>,
    Names(provider): Names<ProviderName>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_sync_object(body, None, mode))?;
    let saved = app
        .create_sync_object(&write.principal, &provider, read.draft)
        .await?;
    let document = view(&saved.document);
    Ok(Answer::created(
        saved.version,
        &place(&provider, &saved.document.object.name),
        &document,
    )
    .warnings(&read.unknown)
    .header(CACHE_CONTROL, NO_STORE))
}

/// Lists the synchronisation objects of a cluster provider.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/cluster-sync-objects", tag = "cluster-sync-objects",
    params(ProviderPath, PageQuery),
    responses(Listed<KvDocument>, ReadProblems)
)]
async fn list_sync_objects(
    State(app): State<App>,
    Names(provider): Names<ProviderName>,
    Caller(who): Caller,
    page: Page,
) -> Result<Response, ApiError> {
    let fetch = |request| app.list_sync_objects(&who, &provider, request);
    let mut response = page.list(fetch, |saved| view(&saved.document)).await?;
    let value = HeaderValue::from_static(NO_STORE);
    response.headers_mut().insert(CACHE_CONTROL, value);
    Ok(response)
}

/// Shows a synchronisation object of a cluster provider.
#[utoipa::path(
    get, path = "/v2/cluster-providers/{clusterProvider}/cluster-sync-objects/{clusterSyncObject}", tag = "cluster-sync-objects",
    params(ProviderPath, ("clusterSyncObject" = String, Path, description = "Name of the object"), KvQuery),
    responses(Found<PairsOrValue>, ReadProblems)
)]
async fn get_sync_object(
    State(app): State<App>,
    Names((provider, name)): Names<(ProviderName, SyncObjectName)>,
    Caller(who): Caller,
    KvKey(key): KvKey,
) -> Result<Answer, ApiError> {
    let saved = app.get_sync_object(&who, &provider, &name).await?;
    if let Some(key) = key {
        let value = saved.document.pairs.get(&key);
        return key_value(saved.version, value).map(secret);
    }
    Ok(secret(Answer::found(saved.version, &view(&saved.document))))
}

/// Replaces a synchronisation object of a cluster provider, or creates it.
#[utoipa::path(
    put, path = "/v2/cluster-providers/{clusterProvider}/cluster-sync-objects/{clusterSyncObject}", tag = "cluster-sync-objects",
    params(ProviderPath, ("clusterSyncObject" = String, Path, description = "Name of the object"), WriteQuery, MatchHeader),
    request_body = KvDocument,
    responses(Written<KvDocument>, WriteProblems)
)]
async fn put_sync_object(
    State(app): State<App>,
    Names((provider, name)): Names<(ProviderName, SyncObjectName)>,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(|body, mode| read_sync_object(body, Some(&name), mode))?;
    let written = app
        .put_sync_object(
            &write.principal,
            &provider,
            &name,
            read.draft,
            write.precondition,
        )
        .await?;
    let saved = &written.saved;
    let document = view(&saved.document);
    Ok(Answer::written(
        &written,
        &place(&provider, &saved.document.object.name),
        &document,
    )
    .warnings(&read.unknown)
    .header(CACHE_CONTROL, NO_STORE))
}

/// Deletes a synchronisation object of a cluster provider.
#[utoipa::path(
    delete, path = "/v2/cluster-providers/{clusterProvider}/cluster-sync-objects/{clusterSyncObject}", tag = "cluster-sync-objects",
    params(ProviderPath, ("clusterSyncObject" = String, Path, description = "Name of the object"), MatchHeader),
    responses(Deleted)
)]
async fn delete_sync_object(
    State(app): State<App>,
    Names((provider, name)): Names<(ProviderName, SyncObjectName)>,
    Caller(who): Caller,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.delete_sync_object(&who, &provider, &name, precondition)
        .await?;
    Ok(Answer::deleted())
}
