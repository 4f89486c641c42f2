//! The driver: runs work by key, never twice at once for one key, bounded in total and per group, with
//! back-off, timers and a share that housekeeping cannot take. It knows keys, times and limits, and
//! nothing of clouds.
//!
//! Invariants: the key is the only input of a run; a nudge during a run means one more run after it; a
//! nudge resets the back-off.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::report::{OldestKey, QueueReport};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why a run is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// A scan or a timer: may wait behind what somebody asked for.
    Housekeeping,
    /// A change of the wish, or drift that was seen.
    Foreground,
}

/// What a run asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Done; look again after this time, if any.
    Done(Option<Duration>),
    /// Go on at once, behind the others.
    Again,
    /// Something is awaited that a nudge will most likely tell; look again less and less often.
    Waiting,
    /// Failed; back off, at least as long as the member asked for.
    Failed(Option<Duration>),
}

/// The work of a driver.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// What is worked on.
    type Key: Clone + Eq + Ord + Hash + Display + Send + Sync + 'static;
    /// What bounds the number of runs together.
    type Group: Clone + Eq + Hash + Send + Sync + 'static;

    /// The group of a key.
    fn group(&self, key: &Self::Key) -> Self::Group;

    /// A factor by which back-off is spread, from one half to one.
    fn jitter(&self) -> f64;

    /// One run. `attempts` is the number of failed runs before it.
    async fn run(&self, key: Self::Key, priority: Priority, attempts: u32) -> Next;
}

/// Limits of a driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) total: usize,
    pub(crate) per_group: usize,
    pub(crate) backoff_first: Duration,
    pub(crate) backoff_cap: Duration,
}

/// How long runs under way may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// Asks a driver for runs.
pub(crate) struct Queue<K>(mpsc::UnboundedSender<Ask<K>>);

/// What a driver is asked for.
enum Ask<K> {
    Run(K, Priority),
    Report(oneshot::Sender<QueueReport>),
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Queue<K> {
    /// Asks for a run.
    pub(crate) fn nudge(&self, key: K, priority: Priority) {
        // After the end nobody needs the run: the next start scans everything.
        drop(self.0.send(Ask::Run(key, priority)));
    }

    /// What is due and under way; `None` after the end.
    pub(crate) async fn report(&self) -> Option<QueueReport> {
        let (answer, report) = oneshot::channel();
        self.0.send(Ask::Report(answer)).ok()?;
        report.await.ok()
    }
}

#[derive(Default)]
struct Entry {
    running: bool,
    /// Asked for while waiting or running.
    asked: Option<Priority>,
    /// Since when it has been due.
    since: Option<Instant>,
    attempts: u32,
    due: Option<Instant>,
}

struct Driver<W: Work> {
    work: Arc<W>,
    bounds: Bounds,
    entries: HashMap<W::Key, Entry>,
    foreground: VecDeque<W::Key>,
    housekeeping: VecDeque<W::Key>,
    /// Keys that wait for room in their group.
    parked: HashMap<W::Group, VecDeque<W::Key>>,
    in_group: HashMap<W::Group, usize>,
    timers: BTreeSet<(Instant, W::Key)>,
    running: JoinSet<(W::Key, Priority, Next)>,
    running_housekeeping: usize,
}

/// Starts a driver; it ends with the token, after the runs under way.
pub(crate) fn start<W: Work>(
    work: Arc<W>,
    bounds: Bounds,
    ended: CancellationToken,
) -> (Queue<W::Key>, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let driver = Driver {
        work,
        bounds,
        entries: HashMap::new(),
        foreground: VecDeque::new(),
        housekeeping: VecDeque::new(),
        parked: HashMap::new(),
        in_group: HashMap::new(),
        timers: BTreeSet::new(),
        running: JoinSet::new(),
        running_housekeeping: 0,
    };
    (Queue(sender), tokio::spawn(driver.drive(receiver, ended)))
}

impl<W: Work> Driver<W> {
    async fn drive(
        mut self,
        mut asked: mpsc::UnboundedReceiver<Ask<W::Key>>,
        ended: CancellationToken,
    ) {
        loop {
            self.start_runs();
            let next_timer = self.timers.first().map(|(at, _)| *at);
            tokio::select! {
                // In a fixed order, so that the same seed gives the same run.
                biased;
                () = ended.cancelled() => break,
                Some(asked) = asked.recv() => match asked {
                    Ask::Run(key, priority) => self.ask(key, priority),
                    // Whoever asked may have gone.
                    Ask::Report(answer) => drop(answer.send(self.report())),
                },
                Some(finished) = self.running.join_next() => self.finish(finished),
                () = sleep_until(next_timer) => self.fire(),
            }
        }
        let rest = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, rest).await.is_err() {
            tracing::warn!(
                "runs under way did not end in time; they are cut off and probed at the next start"
            );
        }
    }

    fn ask(&mut self, key: W::Key, priority: Priority) {
        let entry = self.entries.entry(key.clone()).or_default();
        if priority == Priority::Foreground {
            entry.attempts = 0;
        }
        let before = entry.asked;
        entry.asked = before.max(Some(priority));
        entry.since.get_or_insert_with(Instant::now);
        if let Some(due) = entry.due.take() {
            self.timers.remove(&(due, key.clone()));
        }
        if entry.running || before >= Some(priority) {
            return;
        }
        match priority {
            Priority::Foreground => self.foreground.push_back(key),
            Priority::Housekeeping => self.housekeeping.push_back(key),
        }
    }

    fn report(&self) -> QueueReport {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let due = self.entries.iter().filter(|(_, entry)| !entry.running);
        let oldest = due
            .filter_map(|(key, entry)| Some((entry.since?, key)))
            .min();
        QueueReport {
            foreground: count(self.foreground.len()),
            housekeeping: count(self.housekeeping.len()),
            parked: count(self.parked.values().map(VecDeque::len).sum()),
            running: count(self.running.len()),
            oldest: oldest.map(|(since, key)| OldestKey {
                key: key.to_string(),
                seconds: since.elapsed().as_secs(),
            }),
        }
    }

    fn fire(&mut self) {
        let now = Instant::now();
        while self.timers.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.timers.pop_first() else {
                break;
            };
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = None;
            }
            self.ask(key, Priority::Housekeeping);
        }
    }

    fn start_runs(&mut self) {
        // A quarter is kept free for what somebody asked for.
        let housekeeping_room = (self.bounds.total - self.bounds.total / 4).max(1);
        while self.running.len() < self.bounds.total {
            let key = match self.foreground.pop_front() {
                Some(key) => key,
                None if self.running_housekeeping < housekeeping_room => {
                    let Some(key) = self.housekeeping.pop_front() else {
                        return;
                    };
                    key
                }
                None => return,
            };
            self.start_run(key);
        }
    }

    fn start_run(&mut self, key: W::Key) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        // A key that was raised to the foreground stands in both queues; the second finds nothing.
        let Some(priority) = entry.asked else { return };
        if entry.running {
            return;
        }
        let group = self.work.group(&key);
        let in_group = self.in_group.entry(group.clone()).or_default();
        if *in_group >= self.bounds.per_group {
            self.parked.entry(group).or_default().push_back(key);
            return;
        }
        *in_group += 1;
        entry.running = true;
        entry.asked = None;
        entry.since = None;
        if priority == Priority::Housekeeping {
            self.running_housekeeping += 1;
        }
        let (work, attempts) = (Arc::clone(&self.work), entry.attempts);
        self.running.spawn(async move {
            // A panic of one run must not lose the key: it counts as a failure.
            let run = tokio::spawn({
                let key = key.clone();
                async move { work.run(key, priority, attempts).await }
            });
            let next = run.await.unwrap_or_else(|error| {
                tracing::error!(%key, %error, "a run ended abnormally");
                Next::Failed(None)
            });
            (key, priority, next)
        });
    }

    fn finish(&mut self, finished: Result<(W::Key, Priority, Next), tokio::task::JoinError>) {
        let Ok((key, priority, next)) = finished else {
            return;
        };
        if priority == Priority::Housekeeping {
            self.running_housekeeping -= 1;
        }
        let group = self.work.group(&key);
        if let Some(count) = self.in_group.get_mut(&group) {
            *count -= 1;
            if *count == 0 {
                self.in_group.remove(&group);
            }
        }
        self.unpark(&group);
        let backoff = self.settle(&key, next);
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        match (entry.asked, backoff) {
            (Some(priority), _) => {
                entry.asked = None;
                self.ask(key, priority);
            }
            (None, Some(after)) => {
                let due = Instant::now() + after;
                entry.due = Some(due);
                self.timers.insert((due, key));
            }
            (None, None) => {
                self.entries.remove(&key);
            }
        }
    }

    /// Takes the outcome in, and says when the key is due again.
    fn settle(&mut self, key: &W::Key, next: Next) -> Option<Duration> {
        let (bounds, work) = (self.bounds, &self.work);
        let entry = self.entries.get_mut(key)?;
        entry.running = false;
        match next {
            Next::Done(after) => {
                entry.attempts = 0;
                after
            }
            Next::Again => {
                entry.attempts = 0;
                entry.asked = Some(entry.asked.unwrap_or(Priority::Foreground));
                None
            }
            Next::Waiting => {
                entry.attempts = entry.attempts.saturating_add(1);
                Some(backoff(bounds, entry.attempts, work.jitter()))
            }
            Next::Failed(at_least) => {
                entry.attempts = entry.attempts.saturating_add(1);
                let backoff = backoff(bounds, entry.attempts, work.jitter());
                Some(backoff.max(at_least.unwrap_or_default()))
            }
        }
    }

    fn unpark(&mut self, group: &W::Group) {
        let Some(parked) = self.parked.get_mut(group) else {
            return;
        };
        if let Some(key) = parked.pop_front() {
            self.foreground.push_front(key);
        }
        if parked.is_empty() {
            self.parked.remove(group);
        }
    }
}

/// Doubles from the first to the cap, with jitter so that many keys do not come back together.
fn backoff(bounds: Bounds, attempts: u32, jitter: f64) -> Duration {
    let doubled = bounds
        .backoff_first
        .saturating_mul(1_u32 << attempts.saturating_sub(1).min(20));
    doubled.min(bounds.backoff_cap).mul_f64(jitter)
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
