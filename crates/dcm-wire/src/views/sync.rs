//! What the synchronizer says of itself.

use serde::{Deserialize, Serialize};

use dcm_types::Timestamp;
use dcm_types::report::{Decision, OldestKey, QueueReport, RunReport, SyncReport, WaitingMember};

/// The synchronizer at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncStatusView {
    /// When.
    pub at: Timestamp,
    /// Work on logical clouds, and on what is left of deleted ones.
    pub runs: QueueView,
    /// Checks of clusters.
    pub checks: QueueView,
    /// Members that do not answer: nothing is sent to them but a probe from time to time.
    pub waiting: Vec<WaitingMemberView>,
    /// The last run of each subject since the start: those that are stuck first, then the newest.
    pub subjects: Vec<RunView>,
    /// How many older runs are not remembered any more.
    pub forgotten: u64,
}

/// Keys that are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueView {
    /// Asked for by somebody, or by a change.
    pub foreground: u64,
    /// Asked for by a scan or a timer.
    pub housekeeping: u64,
    /// Due, and their cluster has as many runs as it may.
    pub parked: u64,
    /// Under way.
    pub running: u64,
    /// The key that has been due for the longest time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<OldestKeyView>,
}

/// A key that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OldestKeyView {
    /// Which.
    pub key: String,
    /// For how long.
    pub seconds: u64,
}

/// A member that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitingMemberView {
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DecisionView {
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// `project/cloud/provider/cluster`, or which tombstone in which cluster.
    pub subject: String,
    /// What it decided.
    pub decision: DecisionView,
    /// Why; empty where there is nothing to say.
    pub reason: String,
    /// Category of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

impl SyncStatusView {
    /// The view of a report.
    pub fn of(report: &SyncReport) -> Self {
        Self {
            at: report.at,
            runs: QueueView::of(&report.runs),
            checks: QueueView::of(&report.checks),
            waiting: report.waiting.iter().map(WaitingMemberView::of).collect(),
            subjects: report.subjects.iter().map(RunView::of).collect(),
            forgotten: report.forgotten,
        }
    }
}

impl QueueView {
    fn of(queue: &QueueReport) -> Self {
        let oldest = |oldest: &OldestKey| OldestKeyView {
            key: oldest.key.clone(),
            seconds: oldest.seconds,
        };
        Self {
            foreground: queue.foreground,
            housekeeping: queue.housekeeping,
            parked: queue.parked,
            running: queue.running,
            oldest: queue.oldest.as_ref().map(oldest),
        }
    }
}

impl WaitingMemberView {
    fn of(member: &WaitingMember) -> Self {
        Self {
            cluster_provider: member.cluster.provider.to_string(),
            cluster: member.cluster.cluster.to_string(),
            since: member.since,
            category: member.category.clone(),
            message: member.message.clone(),
            hint: member.hint.clone(),
            probes: member.probes,
            next_probe_seconds: member.next_probe_seconds,
        }
    }
}

impl RunView {
    fn of(run: &RunReport) -> Self {
        Self {
            subject: run.subject.clone(),
            decision: match run.decision {
                Decision::Done => DecisionView::Done,
                Decision::Again => DecisionView::Again,
                Decision::Waiting => DecisionView::Waiting,
                Decision::Held => DecisionView::Held,
                Decision::Failed => DecisionView::Failed,
            },
            reason: run.reason.clone(),
            category: run.category.clone(),
            at: run.at,
            millis: run.millis,
            unsettled: run.unsettled,
            stuck: run.stuck,
            next_at: run.next_at,
        }
    }
}
