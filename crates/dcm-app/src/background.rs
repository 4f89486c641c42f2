//! The background step: links audit records and finishes deletions, woken by changes of the store.
//!
//! It works in rounds: gather hints for a moment, do the work, wait. A round that fails is repeated
//! after a pause and then looks at everything, so a lost hint or a failed commit costs latency only.

use std::collections::BTreeSet;
use std::time::Duration;

use dcm_store::Change;
use dcm_types::{CloudKey, CloudName, DocumentKind, Key, ProjectName, chain};
use futures::stream::{BoxStream, StreamExt as _};
use tokio::time::sleep;
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
    let work = rounds(&app);
    tokio::select! {
        () = cancellation.cancelled() => {}
        () = work => {}
    }
}

/// What is to be done.
struct Work {
    linker: Linker,
    clouds: BTreeSet<CloudKey>,
    all_clouds: bool,
}

async fn rounds(app: &App) {
    // Before the first look at everything, so that nothing is missed in between.
    let mut changes = app.store().changes();
    let mut work = Work {
        linker: Linker::new(),
        clouds: BTreeSet::new(),
        all_clouds: true,
    };
    let mut pause = PAUSE.0;
    loop {
        match work.run(app).await {
            Ok(()) => {
                pause = PAUSE.0;
                work.wait(&mut changes).await;
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "background round failed, it is repeated"
                );
                sleep(pause).await;
                pause = PAUSE.1.min(pause * 2);
                work.note_everything();
            }
        }
    }
}

impl Work {
    async fn run(&mut self, app: &App) -> Result<(), Error> {
        if self.all_clouds {
            app.finish_all().await?;
            self.all_clouds = false;
        }
        while let Some(cloud) = self.clouds.first().cloned() {
            app.finish(&cloud).await?;
            self.clouds.remove(&cloud);
        }
        self.linker.run(app).await
    }

    /// Waits for a hint that means work, and gathers those that follow it closely.
    async fn wait(&mut self, changes: &mut BoxStream<'static, Change>) {
        let scan = sleep(SCAN);
        tokio::pin!(scan);
        loop {
            tokio::select! {
                () = &mut scan => return self.note_everything(),
                change = next(changes) => if self.note(change) { break },
            }
        }
        let gathered = sleep(GATHER);
        tokio::pin!(gathered);
        loop {
            tokio::select! {
                () = &mut gathered => return,
                change = next(changes) => { self.note(change); }
            }
        }
    }

    /// Takes a hint; tells whether it means work.
    fn note(&mut self, change: Change) -> bool {
        let Change::Document(key) = change else {
            self.note_everything();
            return true;
        };
        match key.kind() {
            DocumentKind::Audit => self.linker.note(&key),
            DocumentKind::Lifecycle | DocumentKind::Target => {
                let Some(cloud) = cloud_of(&key) else {
                    return false;
                };
                self.clouds.insert(cloud);
            }
            _ => return false,
        }
        true
    }

    fn note_everything(&mut self) {
        self.linker.note_everything();
        self.all_clouds = true;
    }
}

/// The next hint; never, when the store gives no more.
async fn next(changes: &mut BoxStream<'static, Change>) -> Change {
    match changes.next().await {
        Some(change) => change,
        None => std::future::pending().await,
    }
}

/// The cloud in the path of what belongs to one.
fn cloud_of(key: &Key) -> Option<CloudKey> {
    let mut parts = key.path().split('/');
    Some(CloudKey {
        project: ProjectName::parse(parts.next()?).ok()?,
        cloud: CloudName::parse(parts.next()?).ok()?,
    })
}
