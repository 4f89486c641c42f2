//! Waiting until a logical cloud is what was wished, at the generation that was asked for.

use std::time::{Duration, Instant};

use dcm_wire::views::{StatusView, Wish};
use serde_json::Value;

use super::table;
use super::watch::Watch;
use crate::arguments::Format;
use crate::client::{Answer, Path};
use crate::error::Error;
use crate::output::Terminal;
use crate::resource::is_missing;
use crate::run::Context;

/// How long the server may wait for the wish before it shows how things stand.
const STEP: Duration = Duration::from_millis(250);
/// Shortest time between two requests, when the server does not wait.
const PAUSE: Duration = Duration::from_millis(25);

/// How waiting went.
enum End {
    /// What was wished is true, or nothing was wished.
    Reached(Value, StatusView),
    /// The logical cloud itself is gone.
    Gone,
    /// Time is up.
    TimedOut(Value, StatusView),
}

/// Waits, showing how it goes, and then shows the last status.
pub(crate) async fn wait(
    context: &Context<'_>,
    format: Format,
    cloud: &Path,
    (generation, timeout): (u64, Duration),
) -> Result<(), Error> {
    let mut watch = Watch::begin(context.terminal);
    let end = watch_until(context, cloud, (generation, timeout), &mut watch).await;
    watch.end();
    match end? {
        End::Gone => {
            context
                .terminal
                .note("nothing of it is left, and it is deleted");
            Ok(())
        }
        End::Reached(document, status) => show(context.terminal, format, &document, &status),
        End::TimedOut(document, status) => {
            show(context.terminal, format, &document, &status)?;
            Err(timed_out(timeout, &status))
        }
    }
}

/// Waits, showing how it goes, and shows nothing in the end.
pub(crate) async fn reach(
    context: &Context<'_>,
    cloud: &Path,
    (generation, timeout): (u64, Duration),
) -> Result<(), Error> {
    let mut watch = Watch::begin(context.terminal);
    let end = watch_until(context, cloud, (generation, timeout), &mut watch).await;
    watch.end();
    match end? {
        End::Gone | End::Reached(..) => Ok(()),
        End::TimedOut(_, status) => Err(timed_out(timeout, &status)),
    }
}

fn timed_out(after: Duration, status: &StatusView) -> Error {
    let progress = table::progress(status);
    Error::TimedOut {
        after,
        waiting: format!("logical cloud '{}': {progress}", status.name),
    }
}

fn show(
    terminal: &Terminal,
    format: Format,
    document: &Value,
    status: &StatusView,
) -> Result<(), Error> {
    terminal.show(format, document, |palette| {
        Ok(table::render(status, palette))
    })
}

async fn watch_until(
    context: &Context<'_>,
    cloud: &Path,
    (generation, timeout): (u64, Duration),
    watch: &mut Watch<'_>,
) -> Result<End, Error> {
    let end = Instant::now() + timeout;
    let mut wish = None;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let asked = Instant::now();
        let answer = match ask(context, cloud, wish, left.min(STEP)).await {
            // A cloud whose deletion was queued goes with the last member.
            Err(error) if is_missing(&error) && wish == Some(Wish::Absent) => {
                return Ok(End::Gone);
            }
            outcome => outcome?,
        };
        let status: StatusView = answer.decode("status")?;
        wish = status.wish;
        watch.update(&status);
        if reached(&status, generation) {
            return Ok(End::Reached(answer.document, status));
        }
        if Instant::now() >= end {
            return Ok(End::TimedOut(answer.document, status));
        }
        tokio::time::sleep(PAUSE.saturating_sub(asked.elapsed())).await;
    }
}

/// One look at the status. Once the wish is known, the server answers as soon as it is true.
async fn ask(
    context: &Context<'_>,
    cloud: &Path,
    wish: Option<Wish>,
    step: Duration,
) -> Result<Answer, Error> {
    let query = match wish {
        None => Vec::new(),
        Some(wish) => {
            let goal = match wish {
                Wish::Present => "ready",
                Wish::Absent => "absent",
            };
            let step = format!("{}ms", step.as_millis());
            vec![("wait", goal.to_owned()), ("timeout", step)]
        }
    };
    context
        .client
        .get_waiting(&cloud.join("status"), query, step)
        .await
}

fn reached(status: &StatusView, generation: u64) -> bool {
    status.generation.wanted >= generation
        && match status.wish {
            Some(Wish::Present) => status.ready,
            Some(Wish::Absent) => status.absent,
            None => true,
        }
}
