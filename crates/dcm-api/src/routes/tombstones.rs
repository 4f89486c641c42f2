//! Tombstones: what is left of deleted logical clouds in clusters that did not answer.

use axum::extract::State;
use axum::response::Response;
use dcm_app::App;
use dcm_types::Uid;
use dcm_wire::views::TombstoneView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{Caller, Confirm, IfMatch, Names, Page, Tombstones};
use crate::openapi::{
    ConfirmQuery, Deleted, Found, Listed, MatchHeader, PageQuery, ReadProblems, TombstonePath,
    TombstoneQuery,
};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_tombstones))
        .routes(routes!(get_tombstone, write_off_tombstone))
}

/// Lists tombstones.
#[utoipa::path(
    get,
    path = "/v2/tombstones",
    tag = "tombstones",
    params(TombstoneQuery, PageQuery),
    responses(Listed<TombstoneView>, ReadProblems)
)]
async fn list_tombstones(
    State(app): State<App>,
    Caller(who): Caller,
    Tombstones(filter): Tombstones,
    page: Page,
) -> Result<Response, ApiError> {
    let now = app.now();
    let fetch = |request| app.list_tombstones(&who, &filter, request);
    page.list(fetch, |saved| TombstoneView::of(&saved.document, now))
        .await
}

/// Shows a tombstone.
#[utoipa::path(
    get,
    path = "/v2/tombstones/{tombstone}",
    tag = "tombstones",
    params(TombstonePath),
    responses(Found<TombstoneView>, ReadProblems)
)]
async fn get_tombstone(
    State(app): State<App>,
    Names(id): Names<Uid>,
    Caller(who): Caller,
) -> Result<Answer, ApiError> {
    let saved = app.get_tombstone(&who, id).await?;
    let view = TombstoneView::of(&saved.document, app.now());
    Ok(Answer::found(saved.version, &view))
}

/// Writes a tombstone off: nothing cleans up any more what is left, and the namespace may be used again in the
/// cluster.
#[utoipa::path(
    delete,
    path = "/v2/tombstones/{tombstone}",
    tag = "tombstones",
    params(TombstonePath, ConfirmQuery, MatchHeader),
    responses(Deleted)
)]
async fn write_off_tombstone(
    State(app): State<App>,
    Names(id): Names<Uid>,
    Caller(who): Caller,
    Confirm(confirm): Confirm,
    IfMatch(precondition): IfMatch,
) -> Result<Response, ApiError> {
    app.write_off_tombstone(&who, id, confirm.as_deref(), precondition)
        .await?;
    Ok(Answer::deleted())
}
