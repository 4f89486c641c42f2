//! The loop that prepares meshes, keyed by logical cloud: one run per cloud at a time, a few clouds beside each other.
//!
//! Woken by changes of documents, by the CA controller, and by the time: everything is looked at regularly, so a lost
//! hint costs latency only. What does not work is tried again, less and less often.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dcm_store::{Change, Scope, StoreExt as _};
use dcm_types::ca::CaChange;
use dcm_types::documents::Lifecycle;
use dcm_types::{CloudKey, DocumentKind, chain};
use futures::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::prepare::{Prepared, Thorough};
use crate::background::cloud_of;
use crate::{App, Error};

/// How long hints of a cloud are gathered, so that a burst of changes is one run.
const GATHER: Duration = Duration::from_millis(50);
/// How often everything is looked at without a hint.
const SCAN: Duration = Duration::from_mins(5);
/// The pause after a run that left a problem, which doubles up to the second value.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// Clouds that are prepared beside each other.
const AT_ONCE: usize = 4;

/// Runs until cancelled.
pub async fn run_service_meshes(app: App, cancellation: CancellationToken) {
    tokio::select! {
        () = cancellation.cancelled() => {}
        () = work(&app) => {}
    }
}

/// What came to an end.
type Ended = (CloudKey, Result<Prepared, Error>);

/// Works; never ends. Runs end with it, for they may stop anywhere.
async fn work(app: &App) {
    // Before the first look at everything, so that nothing is missed in between.
    let mut changes = app.store().changes();
    let mut authorities = app.authorities().watch();
    let mut agenda = Agenda::default();
    let mut running: JoinSet<Ended> = JoinSet::new();
    let (mut scan, mut thorough) = (Instant::now(), Thorough::Due);
    loop {
        agenda.start_due(app, &mut running);
        let wake = agenda
            .next_due(running.len())
            .map_or(scan, |due| due.min(scan));
        tokio::select! {
            Some(change) = changes.next() => match change {
                Change::Missed => scan = Instant::now(),
                Change::Document(key) if is_hint(key.kind()) => {
                    if let Some(cloud) = cloud_of(&key) {
                        agenda.hint(cloud, Thorough::Due);
                    }
                }
                Change::Document(_) => {}
            },
            Some(change) = authorities.next() => match change {
                CaChange::Cloud(cloud) => agenda.hint(cloud, Thorough::All),
                CaChange::Target(target) => agenda.hint(target.cloud, Thorough::All),
                CaChange::Missed => (scan, thorough) = (Instant::now(), Thorough::All),
            },
            Some(ended) = running.join_next() => agenda.ended(ended),
            () = sleep_until(wake) => {}
        }
        if scan <= Instant::now() {
            scan = Instant::now() + look_at_all(app, &mut agenda, thorough).await;
            thorough = Thorough::Due;
        }
    }
}

/// Its path begins with project and cloud, and a mesh is decided on it.
const fn is_hint(kind: DocumentKind) -> bool {
    matches!(
        kind,
        DocumentKind::Lifecycle | DocumentKind::ClusterReference | DocumentKind::Target
    )
}

/// Puts every cloud on the agenda on which an action was accepted. Says when to do it again.
async fn look_at_all(app: &App, agenda: &mut Agenda, thorough: Thorough) -> Duration {
    let mut after = None;
    loop {
        let page = app.store().read_page::<Lifecycle>(Scope::All, after, 500);
        match page.await {
            Ok((found, next)) => {
                for lifecycle in found {
                    agenda.hint(lifecycle.document.cloud, thorough);
                }
                if next.is_none() {
                    return SCAN;
                }
                after = next;
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(error, "a look at all meshes failed, it is repeated");
                return PAUSE.0;
            }
        }
    }
}

/// What is to be done, and when.
#[derive(Default)]
struct Agenda {
    waiting: BTreeMap<CloudKey, Waiting>,
    /// When those that wait and do not run are due, the first one first: a look at everything makes all of them wait.
    order: BTreeSet<(Instant, CloudKey)>,
    running: BTreeSet<CloudKey>,
    /// The last pause of clouds with a problem.
    pauses: BTreeMap<CloudKey, Duration>,
}

#[derive(Clone, Copy)]
struct Waiting {
    due: Instant,
    thorough: Thorough,
}

impl Agenda {
    /// A hint while a run goes on is another run after it.
    fn hint(&mut self, cloud: CloudKey, thorough: Thorough) {
        self.put(cloud, Instant::now() + GATHER, thorough);
    }

    fn put(&mut self, cloud: CloudKey, due: Instant, thorough: Thorough) {
        let waiting = self
            .waiting
            .entry(cloud.clone())
            .or_insert(Waiting { due, thorough });
        let before = waiting.due;
        waiting.due = before.min(due);
        waiting.thorough = waiting.thorough.max(thorough);
        let due = waiting.due;
        if !self.running.contains(&cloud) {
            self.order.remove(&(before, cloud.clone()));
            self.order.insert((due, cloud));
        }
    }

    /// It does not run any more, so what waits of it may be started.
    fn release(&mut self, cloud: CloudKey) {
        self.running.remove(&cloud);
        if let Some(waiting) = self.waiting.get(&cloud) {
            self.order.insert((waiting.due, cloud));
        }
    }

    /// When something can be started; `None`: not before a run ends, or a hint comes.
    fn next_due(&self, running: usize) -> Option<Instant> {
        let (first, _) = self.order.first()?;
        (running < AT_ONCE).then_some(*first)
    }

    fn start_due(&mut self, app: &App, running: &mut JoinSet<Ended>) {
        while running.len() < AT_ONCE {
            let Some((cloud, thorough)) = self.take_due(Instant::now()) else {
                return;
            };
            let app = app.clone();
            running.spawn(async move {
                let outcome = app.prepare_mesh(&cloud, thorough).await;
                (cloud, outcome)
            });
        }
    }

    /// The first one that is due, which runs from now on.
    fn take_due(&mut self, now: Instant) -> Option<(CloudKey, Thorough)> {
        let first = self.order.first().filter(|(due, _)| *due <= now)?;
        let (due, cloud) = first.clone();
        self.order.remove(&(due, cloud.clone()));
        let waiting = self.waiting.remove(&cloud)?;
        self.running.insert(cloud.clone());
        Some((cloud, waiting.thorough))
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let Ok((cloud, outcome)) = ended else {
            // It was logged as a panic. Which cloud it was is not known: the next scan looks at all.
            for cloud in std::mem::take(&mut self.running) {
                self.release(cloud);
            }
            return;
        };
        self.release(cloud.clone());
        match outcome {
            Ok(Prepared::Done) => {
                self.pauses.remove(&cloud);
                return;
            }
            Ok(Prepared::Later) => {}
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(%cloud, error, "a mesh could not be prepared, it is tried again");
            }
        }
        let before = self.pauses.get(&cloud);
        let pause = before.map_or(PAUSE.0, |pause| PAUSE.1.min(*pause * 2));
        self.pauses.insert(cloud.clone(), pause);
        self.put(cloud, Instant::now() + pause, Thorough::Due);
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::{CloudName, ProjectName};

    use super::*;

    fn cloud(name: &str) -> CloudKey {
        CloudKey {
            project: ProjectName::parse("acme").unwrap(),
            cloud: CloudName::parse(name).unwrap(),
        }
    }

    #[test]
    fn the_first_that_is_due_runs_and_a_hint_meanwhile_is_another_run() {
        let (one, two) = (cloud("one"), cloud("two"));
        let mut agenda = Agenda::default();
        let now = Instant::now();
        agenda.put(one.clone(), now + PAUSE.1, Thorough::Due);
        agenda.put(two.clone(), now + PAUSE.0, Thorough::Due);
        assert_eq!(agenda.next_due(0), Some(now + PAUSE.0));
        assert_eq!(agenda.next_due(AT_ONCE), None);
        // Sooner, and thorough, because one of two hints asked for it.
        agenda.put(one.clone(), now, Thorough::All);
        assert_eq!(agenda.take_due(now), Some((one.clone(), Thorough::All)));
        assert_eq!(agenda.take_due(now), None);

        agenda.put(one.clone(), now, Thorough::Due);
        assert_eq!(agenda.next_due(1), Some(now + PAUSE.0), "it runs");
        agenda.ended(Ok((one.clone(), Ok(Prepared::Done))));
        assert_eq!(agenda.take_due(now), Some((one, Thorough::Due)));
        assert_eq!(agenda.next_due(1), Some(now + PAUSE.0));
    }

    #[test]
    fn what_does_not_work_is_tried_less_and_less_often() {
        let one = cloud("one");
        let mut agenda = Agenda::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            agenda.running.insert(one.clone());
            agenda.ended(Ok((one.clone(), Ok(Prepared::Later))));
            pauses.push(agenda.pauses.get(&one).map(Duration::as_secs));
            let due = agenda.next_due(0).unwrap();
            assert_eq!(agenda.take_due(due), Some((one.clone(), Thorough::Due)));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60].map(Some));
    }
}
