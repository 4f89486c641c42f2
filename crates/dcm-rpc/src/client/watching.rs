//! Hints that go on: whenever the stream is opened, at first or again, it says that some may have been missed.

use std::time::Duration;

use dcm_types::ca::CaChange;
use futures::stream::{self, BoxStream, StreamExt as _};
use tonic::Streaming;

use super::Calls;
use crate::{convert, v1};

/// Time before the first attempt to open a lost stream again, and the most between two.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Never ends. What happened before the stream was open is covered by its first hint.
pub(super) fn watch(calls: Calls) -> BoxStream<'static, CaChange> {
    let begin: (Calls, Option<Streaming<v1::WatchResponse>>) = (calls, None);
    stream::unfold(begin, |(calls, hints)| async move {
        if let Some(mut hints) = hints {
            if let Ok(Some(hint)) = hints.message().await {
                return Some((convert::read_change(hint), (calls, Some(hints))));
            }
            // A controller that is ending may open one more, and end it at once.
            tokio::time::sleep(FIRST_PAUSE).await;
        }
        let hints = open(&calls).await;
        Some((CaChange::Missed, (calls, Some(hints))))
    })
    .boxed()
}

async fn open(calls: &Calls) -> Streaming<v1::WatchResponse> {
    let mut pause = FIRST_PAUSE;
    loop {
        match calls.clone().watch(v1::WatchRequest {}).await {
            Ok(answer) => return answer.into_inner(),
            Err(status) => {
                tracing::debug!(code = %status.code(), "hints of the CA controller cannot be had");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
