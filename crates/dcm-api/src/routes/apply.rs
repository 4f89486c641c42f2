//! Apply: many documents in one commit.

use axum::extract::State;
use dcm_app::{App, Applied, Outcome, Run};
use dcm_types::Entry;
use dcm_types::drafts::PermissionDraft;
use dcm_wire::apply::{AppliedEntry, AppliedList, ApplyEntry, ApplyResult, read_apply};
use dcm_wire::documents::expansion_note;
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::extract::{DryRun, Write};
use crate::openapi::{WriteProblems, WriteQuery};
use crate::state::ApiState;

pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(apply_documents))
}

/// Query of an apply.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes a parameter; the value is read by `DryRun`"
)]
struct DryRunQuery {
    /// Decide everything and write nothing.
    dry_run: Option<bool>,
}

/// Creates or replaces documents, all of them or none, whatever their order in the list; actions on
/// logical clouds are taken last, in the same commit. Faults of all entries are told at once; their
/// fields begin with the index of the entry.
#[utoipa::path(
    post, path = "/v2/apply", tag = "apply",
    params(DryRunQuery, WriteQuery),
    request_body = Vec<ApplyEntry>,
    responses(
        (status = 200, body = AppliedList, description = "What became of each entry"),
        WriteProblems,
    )
)]
async fn apply_documents(
    State(app): State<App>,
    DryRun(run): DryRun,
    write: Write,
) -> Result<Answer, ApiError> {
    let read = write.decode(read_apply)?;
    let notes: Vec<String> = read
        .draft
        .iter()
        .flat_map(permissions_of)
        .filter_map(expansion_note)
        .collect();
    let applied = app.apply(&write.principal, read.draft, run).await?;
    let list = AppliedList {
        dry_run: run == Run::Dry,
        entries: applied.iter().map(entry).collect(),
    };
    let answer = Answer::json(StatusCode::OK, &list);
    Ok(answer.warnings(&read.unknown).notes(notes))
}

fn permissions_of(entry: &Entry) -> &[PermissionDraft] {
    match entry {
        Entry::Permission(_, draft) => std::slice::from_ref(draft),
        Entry::LogicalCloud(_, draft) => &draft.permissions,
        _ => &[],
    }
}

fn entry(applied: &Applied) -> AppliedEntry {
    let (result, generation) = match applied.outcome {
        Outcome::Created => (ApplyResult::Created, None),
        Outcome::Updated => (ApplyResult::Updated, None),
        Outcome::Unchanged => (ApplyResult::Unchanged, None),
        Outcome::Accepted(accepted) => (ApplyResult::Accepted, Some(accepted.generation)),
    };
    AppliedEntry {
        generation,
        ..AppliedEntry::of(&applied.key, result, applied.version)
    }
}
