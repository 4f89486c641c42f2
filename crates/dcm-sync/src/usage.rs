//! Records what is used of quotas: as runs read it and as watches see it, and never more often than the
//! interval allows, so that a busy namespace does not keep the store busy. What is allowed changes seldom, and is
//! recorded sooner: whoever changed it looks for it.
//!
//! A run's look and an event of the watch may come in either order; the newer resourceVersion counts.
//!
//! A record is written only beside its target, by the version just read: one that became absent meanwhile
//! gets none any more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use dcm_store::{Batch, Error as StoreError, Expect, StoreExt as _};
use dcm_types::documents::{Observed, QuotaState, QuotaUsage, Target};
use dcm_types::{Key, TargetKey, Uid};
use futures::future::join_all;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use dcm_cluster::Object;

/// How long what follows closely is gathered into one record.
const GATHER: Duration = Duration::from_millis(100);
/// Changed limits are recorded after this share of the interval.
const SOONER: u32 = 20;
/// How many targets are recorded at the same time.
const AT_ONCE: usize = 64;
/// How many quotas of one target are recorded.
const QUOTAS: usize = 100;
/// How long the recorder rests when nothing is due.
const IDLE: Duration = Duration::from_hours(1);

/// What a session saw of a quota; without a state it is gone.
#[derive(Debug, Clone)]
pub(crate) struct UsageNote {
    pub(crate) key: TargetKey,
    pub(crate) cloud_uid: Uid,
    pub(crate) name: String,
    /// Its resourceVersion. They can be compared as numbers (KEP-5504, comparable resource versions).
    pub(crate) version: Option<u64>,
    pub(crate) state: Option<QuotaState>,
}

/// The state of a quota as its cluster tells it.
pub(crate) fn read(quota: &Object) -> QuotaState {
    let texts = |pointer: &str| {
        let map = quota.map(pointer).into_iter().flatten();
        map.filter_map(|(resource, amount)| Some((resource.as_str(), Value::as_str(amount)?)))
            .collect::<Vec<_>>()
    };
    QuotaState::read(
        quota.name(),
        texts("/status/hard").into_iter(),
        texts("/status/used").into_iter(),
    )
}

/// What is known of one target, and not recorded yet.
struct Entry {
    cloud_uid: Uid,
    /// By name; `None` where one is gone.
    news: BTreeMap<String, Option<QuotaState>>,
    /// By name, the newest version taken in, and when.
    newest: BTreeMap<String, (u64, Instant)>,
    /// By name, the limits that were taken in last.
    limits: BTreeMap<String, BTreeMap<String, String>>,
    due: Option<Instant>,
    written: Option<Instant>,
}

impl Entry {
    fn of(cloud_uid: Uid) -> Self {
        Self {
            cloud_uid,
            news: BTreeMap::new(),
            newest: BTreeMap::new(),
            limits: BTreeMap::new(),
            due: None,
            written: None,
        }
    }

    /// Takes a note in, unless a newer one was taken in less than `late` ago. After that time versions
    /// may start anew: a member can be restored from a backup.
    fn take(&mut self, note: UsageNote, now: Instant, late: Duration) -> Option<News> {
        if self.cloud_uid != note.cloud_uid {
            self.cloud_uid = note.cloud_uid;
            self.news.clear();
            self.newest.clear();
            self.limits.clear();
        }
        if self.newest.len() >= QUOTAS && !self.newest.contains_key(&note.name) {
            self.newest.retain(|_, (_, at)| now < *at + late);
            if self.newest.len() >= QUOTAS {
                return None;
            }
        }
        let version = note.version.unwrap_or_default();
        let newest = self.newest.get(&note.name);
        if newest.is_some_and(|(newest, at)| version < *newest && now < *at + late) {
            return None;
        }
        self.newest.insert(note.name.clone(), (version, now));
        let limits = note.state.as_ref().map(|state| &state.hard);
        let news = if limits == self.limits.get(&note.name) {
            News::Used
        } else {
            News::Limits
        };
        match limits {
            Some(limits) => self.limits.insert(note.name.clone(), limits.clone()),
            None => self.limits.remove(&note.name),
        };
        self.news.insert(note.name, note.state);
        Some(news)
    }

    /// When it is recorded, with these news.
    fn due_with(&self, news: News, now: Instant, interval: Duration) -> Instant {
        let pause = match news {
            News::Used => interval,
            News::Limits => interval / SOONER,
        };
        let soon = now + GATHER;
        let due = self.written.map_or(soon, |at| soon.max(at + pause));
        self.due.map_or(due, |before| before.min(due))
    }
}

/// What is new of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// What is used of it, at most.
    Used,
    /// What it allows, or that it is there at all.
    Limits,
}

/// Writes the records.
pub(crate) struct Recorder {
    context: Arc<Context>,
    entries: HashMap<TargetKey, Entry>,
    schedule: BTreeSet<(Instant, TargetKey)>,
}

impl Recorder {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            entries: HashMap::new(),
            schedule: BTreeSet::new(),
        }
    }

    /// Records until cancelled.
    pub(crate) async fn run(
        mut self,
        mut notes: mpsc::UnboundedReceiver<UsageNote>,
        cancellation: &CancellationToken,
    ) {
        loop {
            let due = self.schedule.first().map(|(due, _)| *due);
            tokio::select! {
                biased;
                () = cancellation.cancelled() => return,
                Some(note) = notes.recv() => self.take(note),
                () = sleep_until(due.unwrap_or_else(|| Instant::now() + IDLE)) => {
                    self.record_due().await;
                }
            }
        }
    }

    fn take(&mut self, note: UsageNote) {
        let interval = self.context.config.usage_interval.get();
        // Within it an answer to a call of a run may still be under way.
        let late = self.context.config.second_look();
        let key = note.key.clone();
        let fresh = || Entry::of(note.cloud_uid);
        let entry = self.entries.entry(key.clone()).or_insert_with(fresh);
        let now = Instant::now();
        let Some(news) = entry.take(note, now, late) else {
            return;
        };
        let due = entry.due_with(news, now, interval);
        if let Some(before) = entry.due.replace(due)
            && before != due
        {
            self.schedule.remove(&(before, key.clone()));
        }
        self.schedule.insert((due, key));
    }

    /// Records what is due, some at the same time: the store makes one commit to the disk of them.
    async fn record_due(&mut self) {
        let now = Instant::now();
        loop {
            let due = self.take_due(now);
            if due.is_empty() {
                return;
            }
            let (context, entries) = (&self.context, &self.entries);
            let records = due.into_iter().map(async |key| {
                let outcome = match entries.get(&key) {
                    Some(entry) => record(context, &key, entry.cloud_uid, &entry.news).await,
                    None => Ok(Outcome::NoTarget),
                };
                (key, outcome)
            });
            for (key, outcome) in join_all(records).await {
                self.take_in(key, outcome, now);
            }
        }
    }

    /// Those whose time has come, as many as are recorded at once.
    fn take_due(&mut self, now: Instant) -> Vec<TargetKey> {
        let mut due = Vec::new();
        while due.len() < AT_ONCE
            && self.schedule.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, key)) = self.schedule.pop_first()
        {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = None;
                due.push(key);
            }
        }
        due
    }

    fn take_in(&mut self, key: TargetKey, outcome: Result<Outcome, StoreError>, now: Instant) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        match outcome {
            Ok(Outcome::NoTarget) => {
                self.entries.remove(&key);
            }
            Ok(outcome) => {
                entry.news.clear();
                if outcome == Outcome::Written {
                    entry.written = Some(now);
                }
            }
            // A run wrote the target at the same time, or the store is busy.
            Err(error) => {
                tracing::debug!(member = %key, error = dcm_types::chain(&error), "usage is recorded later");
                let again = now + self.context.config.backoff_first.get();
                entry.due = Some(again);
                self.schedule.insert((again, key));
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Written,
    /// It stands there already.
    Known,
    /// Nothing of the cloud is there.
    NoTarget,
}

/// Joins news with what was recorded, and writes it if that changes anything.
async fn record(
    context: &Context,
    key: &TargetKey,
    cloud_uid: Uid,
    news: &BTreeMap<String, Option<QuotaState>>,
) -> Result<Outcome, StoreError> {
    let store = context.store.as_ref();
    let target = store.read::<Target>(&Key::target(key)).await?;
    let Some(target) = target.filter(|found| {
        found.document.cloud_uid == cloud_uid && found.document.observed != Observed::Absent
    }) else {
        return Ok(Outcome::NoTarget);
    };
    let recorded = store.read::<QuotaUsage>(&Key::quota_usage(key)).await?;
    let recorded = recorded
        .map(|found| found.document)
        .filter(|usage| usage.cloud_uid == cloud_uid);
    let quotas = joined(recorded.as_ref(), news);
    if quotas == recorded.map(|usage| usage.quotas).unwrap_or_default() {
        return Ok(Outcome::Known);
    }
    let usage = QuotaUsage {
        key: key.clone(),
        cloud_uid,
        quotas,
        at: context.clock.now(),
    };
    let mut batch = Batch::new();
    batch.put(&usage, Expect::Anything)?;
    batch.assert(Key::target(key), Expect::Number(target.version.number));
    store.commit(batch).await?;
    Ok(Outcome::Written)
}

fn joined(
    recorded: Option<&QuotaUsage>,
    news: &BTreeMap<String, Option<QuotaState>>,
) -> Vec<QuotaState> {
    let mut quotas: BTreeMap<&str, &QuotaState> = BTreeMap::new();
    for quota in recorded.into_iter().flat_map(|usage| &usage.quotas) {
        quotas.insert(&quota.name, quota);
    }
    for (name, state) in news {
        match state {
            Some(state) => quotas.insert(name, state),
            None => quotas.remove(name.as_str()),
        };
    }
    quotas.into_values().take(QUOTAS).cloned().collect()
}

#[cfg(test)]
mod tests {
    use dcm_types::{CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName};

    use super::*;

    const LATE: Duration = Duration::from_secs(50);

    fn note(version: Option<u64>, used: &str) -> UsageNote {
        let cloud = CloudKey {
            project: ProjectName::parse("acme").unwrap(),
            cloud: CloudName::parse("shop").unwrap(),
        };
        let cluster = ClusterKey {
            provider: ProviderName::parse("edges").unwrap(),
            cluster: ClusterName::parse("oslo").unwrap(),
        };
        UsageNote {
            key: TargetKey { cloud, cluster },
            cloud_uid: Uid::from_random([1; 16]),
            name: "small".to_owned(),
            version,
            state: Some(QuotaState::read(
                "small",
                [].into_iter(),
                [("pods", used)].into_iter(),
            )),
        }
    }

    fn used(entry: &Entry) -> &str {
        let state = entry.news["small"].as_ref().unwrap();
        &state.used["pods"]
    }

    #[tokio::test]
    async fn answer_that_comes_after_a_newer_event_is_left_alone() {
        let mut entry = Entry::of(Uid::from_random([1; 16]));
        let now = Instant::now();
        assert!(entry.take(note(Some(7), "3"), now, LATE).is_some());
        assert!(entry.take(note(Some(6), "2"), now, LATE).is_none());
        assert_eq!(used(&entry), "3");
        assert!(entry.take(note(Some(8), "4"), now, LATE).is_some());
        assert_eq!(used(&entry), "4");
    }

    #[tokio::test]
    async fn versions_that_start_anew_count_after_a_while() {
        let mut entry = Entry::of(Uid::from_random([1; 16]));
        let now = Instant::now();
        assert!(entry.take(note(Some(7000), "3"), now, LATE).is_some());
        assert!(entry.take(note(Some(2), "1"), now + LATE, LATE).is_some());
        assert_eq!(used(&entry), "1");
    }

    #[tokio::test]
    async fn changed_limits_are_recorded_sooner() {
        const INTERVAL: Duration = Duration::from_secs(10);
        let allows = |pods: &str| {
            let mut note = note(None, "1");
            let hard = BTreeMap::from([("pods".to_owned(), pods.to_owned())]);
            note.state.as_mut().unwrap().hard = hard;
            note
        };
        let mut entry = Entry::of(Uid::from_random([1; 16]));
        let now = Instant::now();
        assert_eq!(entry.take(allows("4"), now, LATE), Some(News::Limits));
        entry.written = Some(now);
        assert_eq!(entry.take(allows("4"), now, LATE), Some(News::Used));
        entry.due = Some(entry.due_with(News::Used, now, INTERVAL));
        assert_eq!(entry.due, Some(now + INTERVAL));
        assert_eq!(entry.take(allows("6"), now, LATE), Some(News::Limits));
        let due = entry.due_with(News::Limits, now, INTERVAL);
        assert_eq!(
            due,
            now + INTERVAL / SOONER,
            "what was due later is due now"
        );
        entry.due = Some(due);
        assert_eq!(entry.due_with(News::Used, now, INTERVAL), due);
    }
}
