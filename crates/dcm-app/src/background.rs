//! The background step: links audit records and finishes deletions, woken by changes of the store; sweeps
//! kept answers that are too old.
//!
//! Hints are received all the time, also during work, so that a burst does not overrun the store's
//! channel. Work is done in rounds: wait for a hint, gather what follows closely, do it. A round that
//! fails is repeated after a pause and then looks at everything, so a lost hint or a failed commit costs
//! latency only.

use std::collections::BTreeSet;
use std::time::Duration;

use dcm_store::Change;
use dcm_types::{CloudKey, CloudName, DocumentKind, Key, ProjectName, chain};
use futures::stream::{BoxStream, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::audit::Linker;
use crate::{App, Error};

/// How long hints are gathered, so that a burst of changes is one round.
const GATHER: Duration = Duration::from_millis(100);
/// How often everything is looked at without a hint.
const SCAN: Duration = Duration::from_mins(5);
/// The pause after a failed round, which doubles up to the second value.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));

/// Runs until cancelled.
pub async fn run_background(app: App, cancellation: CancellationToken) {
    // Before the first look at everything, so that nothing is missed in between.
    let changes = app.store().changes();
    let inbox = Inbox::default();
    tokio::select! {
        () = cancellation.cancelled() => {}
        () = receive(changes, &inbox) => {}
        () = rounds(&app, &inbox) => {}
    }
}

/// Takes hints; never ends.
async fn receive(mut changes: BoxStream<'static, Change>, inbox: &Inbox) {
    while let Some(change) = changes.next().await {
        inbox.put(change);
    }
    std::future::pending::<()>().await;
}

/// Works; never ends.
async fn rounds(app: &App, inbox: &Inbox) {
    let mut linker = Linker::new();
    let mut sweep = Instant::now();
    let mut hints = Hints {
        everything: true,
        ..Hints::default()
    };
    let mut pause = PAUSE.0;
    loop {
        match work(app, &mut linker, hints, &mut sweep).await {
            Ok(()) => {
                pause = PAUSE.0;
                hints = inbox.wait().await;
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "background round failed, it is repeated"
                );
                sleep(pause).await;
                pause = PAUSE.1.min(pause * 2);
                hints = inbox.take();
                hints.everything = true;
            }
        }
    }
}

async fn work(
    app: &App,
    linker: &mut Linker,
    hints: Hints,
    sweep: &mut Instant,
) -> Result<(), Error> {
    // By the time and not by hints: a busy store has hints always.
    if *sweep <= Instant::now() {
        app.sweep_answers().await?;
        *sweep = Instant::now() + SCAN;
    }
    for record in &hints.records {
        linker.note(record);
    }
    if hints.everything {
        linker.note_everything();
        app.finish_all().await?;
    } else {
        for cloud in &hints.clouds {
            app.finish(cloud).await?;
        }
    }
    linker.run(app).await
}

/// What changed since the last round.
#[derive(Default)]
struct Hints {
    records: Vec<Key>,
    clouds: BTreeSet<CloudKey>,
    everything: bool,
}

/// Hints that wait for the next round.
#[derive(Default)]
struct Inbox {
    hints: Mutex<Hints>,
    arrived: Notify,
}

impl Inbox {
    fn put(&self, change: Change) {
        let mut hints = self.hints.lock();
        match change {
            Change::Missed => hints.everything = true,
            Change::Document(key) => match key.kind() {
                DocumentKind::Audit => hints.records.push(key),
                DocumentKind::Lifecycle | DocumentKind::Target => {
                    hints.clouds.extend(cloud_of(&key));
                }
                _ => return,
            },
        }
        self.arrived.notify_one();
    }

    fn take(&self) -> Hints {
        std::mem::take(&mut *self.hints.lock())
    }

    /// Waits for hints and gathers those that follow closely; without any, asks for everything at last.
    async fn wait(&self) -> Hints {
        let hinted = timeout(SCAN, self.arrived.notified()).await.is_ok();
        if hinted {
            sleep(GATHER).await;
        }
        let mut hints = self.take();
        hints.everything |= !hinted;
        hints
    }
}

/// The cloud in the path of what belongs to one.
pub(crate) fn cloud_of(key: &Key) -> Option<CloudKey> {
    let mut parts = key.path().split('/');
    Some(CloudKey {
        project: ProjectName::parse(parts.next()?).ok()?,
        cloud: CloudName::parse(parts.next()?).ok()?,
    })
}
