//! The status as it changes, as server-sent events.
//!
//! Each event is a complete status, and its id is the cursor of that: who comes back with it is told the
//! present status only if it is another. A slow reader gets the latest, never a backlog. The stream ends
//! after its time, with the cloud, and with the server; clients of such streams come back by themselves.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use dcm_app::{App, Followed, Following};
use dcm_types::CloudKey;
use dcm_wire::views::StatusView;
use futures::stream::{self, Stream};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::extract::{Caller, Ending, Names, Resumed};
use crate::openapi::{CloudPath, ReadProblems};

/// How often a stream without news shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a client shall come back after the end.
const COME_BACK: Duration = Duration::from_secs(1);

/// Query and header of a stream.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Resumed`"
)]
pub(super) struct StreamQuery {
    /// How long it lasts, at most and by default ten minutes: `500ms`, `30s`, `2m`, or plain seconds.
    timeout: Option<String>,
}

/// Header of a stream.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "describes parameters; the values are read by `Resumed`"
)]
pub(super) struct LastEventHeader {
    /// Id of the last event that was seen: the present status is told only if it is another.
    #[param(rename = "Last-Event-ID")]
    last_event_id: Option<String>,
}

/// An event of the stream.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the events")]
pub(super) struct StatusEvent {
    /// `status`, or `deleted`, which is the last.
    event: String,
    /// What `Last-Event-ID` takes.
    #[schema(nullable = false)]
    id: Option<String>,
    /// When to come back after the end, in milliseconds.
    #[schema(nullable = false)]
    retry: Option<u64>,
    /// JSON: a `StatusView`, or `{}`.
    data: String,
}

struct Told {
    following: Following,
    deadline: Instant,
    ending: CancellationToken,
}

/// Tells the status now, and again whenever it changed: events `status` with conditions as data, and
/// `deleted` when the logical cloud is gone.
#[utoipa::path(
    get, path = "/v2/projects/{project}/logical-clouds/{logicalCloud}/status/stream",
    tag = "logical-clouds", params(CloudPath, StreamQuery, LastEventHeader),
    responses(
        (status = 200, description = "The events", body = StatusEvent, content_type = "text/event-stream"),
        ReadProblems,
    )
)]
pub(super) async fn stream_status(
    State(app): State<App>,
    Names(cloud): Names<CloudKey>,
    Caller(who): Caller,
    resumed: Resumed,
    Ending(ending): Ending,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let following = app
        .follow_status(&who, &cloud, resumed.seen.as_deref())
        .await?;
    let told = Told {
        following,
        deadline: Instant::now() + resumed.timeout,
        ending,
    };
    let events = stream::unfold(Some(told), next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

type Next = Option<(Result<Event, Infallible>, Option<Told>)>;

async fn next(told: Option<Told>) -> Next {
    let mut told = told?;
    let next = tokio::select! {
        biased;
        () = told.ending.cancelled() => return None,
        next = told.following.next() => next,
        () = sleep_until(told.deadline) => return None,
    };
    match next {
        Ok(Some(followed)) => Some((Ok(event(&followed)?), Some(told))),
        Ok(None) => Some((Ok(Event::default().event("deleted").data("{}")), None)),
        Err(error) => {
            tracing::warn!(
                error = dcm_types::chain(&error),
                "a stream of a status ended early"
            );
            None
        }
    }
}

fn event(followed: &Followed) -> Option<Event> {
    let view = StatusView::of(&followed.status, None);
    let data = serde_json::to_string(&view)
        .inspect_err(|error| tracing::error!(%error, "a status could not be written as JSON"))
        .ok()?;
    Some(
        Event::default()
            .event("status")
            .id(&followed.cursor)
            .retry(COME_BACK)
            .data(data),
    )
}
