//! What the synchronizer says of itself: queues, members that are waited for, and the last run of each subject.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::ClusterKey;

/// The synchronizer at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReport {
    /// When.
    pub at: Timestamp,
    /// Work on logical clouds, and on what is left of deleted ones.
    pub runs: QueueReport,
    /// Checks of clusters.
    pub checks: QueueReport,
    /// Members that do not answer: nothing is sent to them but a probe from time to time.
    pub waiting: Vec<WaitingMember>,
    /// The last run of each subject since the start: those that are stuck first, then the newest.
    pub subjects: Vec<RunReport>,
    /// How many older runs are not remembered any more.
    pub forgotten: u64,
}

/// Keys that are due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReport {
    /// Asked for by somebody, or by a change.
    pub foreground: u64,
    /// Asked for by a scan or a timer.
    pub housekeeping: u64,
    /// Due, and their cluster has as many runs as it may.
    pub parked: u64,
    /// Under way.
    pub running: u64,
    /// The key that has been due for the longest time.
    pub oldest: Option<OldestKey>,
}

/// A key that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldestKey {
    /// Which.
    pub key: String,
    /// For how long.
    pub seconds: u64,
}

/// A member that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingMember {
    /// Which.
    pub cluster: ClusterKey,
    /// Since when.
    pub since: Timestamp,
    /// Category of the failure.
    pub category: String,
    /// A sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Probes without success in a row.
    pub probes: u32,
    /// Seconds until the next one.
    pub next_probe_seconds: u64,
}

/// What a run decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Nothing is left to do until something happens, or until a known time.
    Done,
    /// It goes on at once.
    Again,
    /// The member has to do something first.
    Waiting,
    /// The member does not answer; nothing was sent.
    Held,
    /// It failed and is repeated.
    Failed,
}

/// The last run of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// `project/cloud/provider/cluster`, or which tombstone in which cluster.
    pub subject: String,
    /// What it decided.
    pub decision: Decision,
    /// Why, in a sentence; empty where there is nothing to say.
    pub reason: String,
    /// Category of the failure; `None` when it did not fail.
    pub category: Option<String>,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Runs in a row, with this one, that did not come to rest.
    pub unsettled: u32,
    /// More of them than there should be.
    pub stuck: bool,
    /// When it is due again without anything happening.
    pub next_at: Option<Timestamp>,
}
