//! The status of a logical cloud, as assembled from what the synchronizer recorded.

use jiff::Timestamp;

use crate::condition::Condition;
use crate::documents::{
    Action, ActionRecord, DriftPolicy, LastError, ObjectStatus, QuotaState, Wish,
};
use crate::key::{CloudKey, ClusterKey};
use crate::name::ReferenceName;

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberState {
    /// The wanted generation was not looked at yet.
    Pending,
    /// Work is under way, or something is being waited for.
    Progressing,
    /// Everything of the wanted generation was read back and is in force.
    Ready,
    /// Nothing moves until somebody changes something.
    Blocked,
    /// The member does not answer; what we know of it is old.
    Unreachable,
    /// Being removed.
    Terminating,
    /// Nothing of ours is left.
    Absent,
    /// Work rests; what is known of it is old, and nothing that changes there is corrected.
    Paused,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// The cluster.
    pub cluster: ClusterKey,
    /// The reference that names it; `None` when it was dropped and is being cleaned.
    pub reference: Option<ReferenceName>,
    /// Where it stands.
    pub state: MemberState,
    /// Last generation that was read back completely.
    pub applied_generation: Option<u64>,
    /// One condition per track.
    pub conditions: Vec<Condition>,
    /// Status of each object.
    pub objects: Vec<ObjectStatus>,
    /// Why the last run failed.
    pub last_error: Option<LastError>,
    /// When it was last compared with the member; the age of everything above.
    pub checked_at: Option<Timestamp>,
    /// Whether a kubeconfig for it can be fetched, and until when its certificate is valid.
    pub kubeconfig_until: Option<Timestamp>,
    /// What is used of its quotas, as last seen.
    pub quotas: Vec<QuotaState>,
}

/// A logical cloud as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudStatus {
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Wanted generation; 0 when no action was accepted yet.
    pub wanted_generation: u64,
    /// What is wished; `None` before the first action.
    pub wish: Option<Wish>,
    /// The last accepted action.
    pub last_action: Option<Action>,
    /// When the cloud was created.
    pub created_at: Timestamp,
    /// A permission of the wanted revision leaves the namespace.
    pub privileged: bool,
    /// What is done about changes of others in the members.
    pub drift: DriftPolicy,
    /// Since when all work on it rests.
    pub paused_at: Option<Timestamp>,
    /// Accepted actions, oldest first.
    pub history: Vec<ActionRecord>,
    /// How many older actions are not remembered any more.
    pub forgotten: u64,
    /// The members of the wanted revision, and those that are being cleaned.
    pub members: Vec<MemberStatus>,
    /// When this was assembled.
    pub at: Timestamp,
}

impl CloudStatus {
    /// Each quota, added up over the members.
    pub fn quota_totals(&self) -> Vec<QuotaState> {
        let mut totals: Vec<QuotaState> = Vec::new();
        for quota in self.members.iter().flat_map(|member| &member.quotas) {
            match totals.iter_mut().find(|total| total.name == quota.name) {
                Some(total) => total.add(quota),
                None => totals.push(quota.clone()),
            }
        }
        totals
    }

    /// Whether every member is ready at the wanted generation.
    pub fn is_ready(&self) -> bool {
        self.wish == Some(Wish::Present)
            && !self.members.is_empty()
            && self.members.iter().all(|member| {
                member.state == MemberState::Ready
                    && member.applied_generation == Some(self.wanted_generation)
            })
    }

    /// Whether nothing of the cloud is left in any member.
    pub fn is_absent(&self) -> bool {
        self.wish != Some(Wish::Present)
            && self
                .members
                .iter()
                .all(|member| member.state == MemberState::Absent)
    }
}
