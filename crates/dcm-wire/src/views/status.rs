//! The status of a logical cloud: what is wished, and where each member stands, with reason and age.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dcm_types::documents::{
    Action, ActionRecord, Drift, LastError, ObjectState, ObjectStatus, QuotaState,
};
use dcm_types::status::{CloudStatus, MemberState, MemberStatus};
use dcm_types::{Condition, ConditionStatus, Timestamp};

use super::{Wish, seconds_between, wire_wish};

/// A logical cloud as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Which generation is wanted.
    pub generation: GenerationView,
    /// What is wished; absent before the first action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
    /// Every member is ready at the wanted generation.
    pub ready: bool,
    /// Nothing of it is left in any member, and nothing is wished.
    pub absent: bool,
    /// A permission of what is wished leaves its namespace; absent when none does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub privileged: bool,
    /// `report` or `off`: what is done about changes of others; absent when they are corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<String>,
    /// Only when the caller asked to wait: whether what they waited for is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
    /// Since when all work on it rests, until the next action; absent while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<Timestamp>,
    /// The members of the wanted revision, and those that are being cleaned.
    pub members: Vec<MemberView>,
    /// Its quotas, added up over the members of which the usage is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaStateView>,
    /// Accepted actions, oldest first.
    pub history: Vec<RecordView>,
    /// When this was assembled; ages count from here.
    pub at: Timestamp,
}

/// Generations of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GenerationView {
    /// The wanted one; 0 before the first action.
    pub wanted: u64,
}

/// An action that a user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ActionView {
    /// Make it exist.
    Instantiate,
    /// Make it match its documents.
    Update,
    /// Make it go.
    Terminate,
    /// Leave it as it is until the next action.
    Stop,
    /// Make what a user holds open nothing, and give them something new.
    Revoke,
}

/// One accepted action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordView {
    /// What was asked.
    pub action: ActionView,
    /// The generation it made, or left as it was.
    pub generation: u64,
    /// When.
    pub at: Timestamp,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MemberStateView {
    /// The wanted generation was not looked at yet.
    Pending,
    /// Work is under way, or something is being waited for.
    Progressing,
    /// Everything of the wanted generation was read back and is in force.
    Ready,
    /// Nothing moves until somebody changes something.
    Blocked,
    /// The member does not answer; what is known of it is old.
    Unreachable,
    /// Being removed.
    Terminating,
    /// Nothing is left.
    Absent,
    /// Work rests: what is known of it is old, and what changes there is not corrected.
    Paused,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// The reference that names it; absent when it was dropped and is being cleaned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Where it stands.
    pub state: MemberStateView,
    /// Last generation that was read back completely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_generation: Option<u64>,
    /// When it was last compared with the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// How long ago that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// One condition per track.
    pub conditions: Vec<ConditionView>,
    /// Status of each object.
    pub objects: Vec<ObjectView>,
    /// Why the last run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastErrorView>,
    /// Until when the certificate in its kubeconfig is valid; absent before there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig_until: Option<Timestamp>,
    /// What is used of its quotas, as last seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaStateView>,
}

/// What is used of a quota: amounts per resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotaStateView {
    /// Its name.
    pub name: String,
    /// The limits that are in force.
    pub hard: BTreeMap<String, String>,
    /// What is used of them.
    pub used: BTreeMap<String, String>,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConditionStatusView {
    /// It holds, as read back from the member.
    True,
    /// Not yet; the reason says what is being waited for.
    Progressing,
    /// Not before somebody changes something.
    Blocked,
    /// Not known.
    Unknown,
}

/// A condition of one track of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConditionView {
    /// The track: `member`, `namespace`, `quota`, `isolation`, `access`, or `mesh` where there is one.
    #[serde(rename = "type")]
    pub track: String,
    /// Whether it holds.
    pub status: ConditionStatusView,
    /// One word, stable, for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What to do, when somebody must do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When status or reason last changed.
    pub since: Timestamp,
    /// How long ago that was.
    pub age_seconds: u64,
}

/// State of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ObjectStateView {
    /// As wished, and in force.
    Ready,
    /// Written, and something is being waited for.
    Progressing,
    /// Not written yet.
    Pending,
    /// Somebody else's object is in its place, or the member refuses it.
    Blocked,
    /// To be removed, and still there.
    Terminating,
}

/// An object in a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ObjectView {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for cluster-scoped kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// The track it belongs to.
    pub track: String,
    /// Its state.
    pub state: ObjectStateView,
    /// One word, stable, for machines.
    pub reason: String,
    /// A sentence, when there is something to say.
    #[serde(default)]
    pub message: String,
    /// When it was last read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// How it differs from the wish, while that is not corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftView>,
}

/// How an object differs from the wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftView {
    /// What differs.
    pub fields: Vec<DriftedFieldView>,
    /// Since when it was seen to.
    pub since: Timestamp,
}

/// A field that is not as wished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftedFieldView {
    /// Its path, with dots; empty for the object as a whole, which is missing or not wished.
    pub field: String,
    /// Who wrote it, as far as the cluster tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<String>,
}

/// Why the last run of a member failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastErrorView {
    /// Stable category.
    pub category: String,
    /// A sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// When.
    pub at: Timestamp,
    /// How many runs in a row have failed.
    pub attempts: u32,
    /// The generation that the member holds, when that is ahead of the store.
    #[serde(
        default,
        rename = "memberGeneration",
        skip_serializing_if = "Option::is_none"
    )]
    pub member_generation: Option<u64>,
}

impl StatusView {
    /// The view of a status; `reached` is given when the caller asked to wait.
    pub fn of(status: &CloudStatus, reached: Option<bool>) -> Self {
        Self {
            project: status.cloud.project.to_string(),
            name: status.cloud.cloud.to_string(),
            generation: GenerationView {
                wanted: status.wanted_generation,
            },
            wish: status.wish.map(wire_wish),
            ready: status.is_ready(),
            absent: status.is_absent(),
            privileged: status.privileged,
            drift: (!status.drift.is_default()).then(|| status.drift.as_str().to_owned()),
            reached,
            paused_since: status.paused_at,
            members: status
                .members
                .iter()
                .map(|member| MemberView::of(member, status.at))
                .collect(),
            quotas: status
                .quota_totals()
                .iter()
                .map(QuotaStateView::of)
                .collect(),
            history: status.history.iter().map(RecordView::of).collect(),
            at: status.at,
        }
    }
}

impl RecordView {
    fn of(record: &ActionRecord) -> Self {
        Self {
            action: match record.action {
                Action::Instantiate => ActionView::Instantiate,
                Action::Update => ActionView::Update,
                Action::Terminate => ActionView::Terminate,
                Action::Stop => ActionView::Stop,
                Action::Revoke => ActionView::Revoke,
            },
            generation: record.generation,
            at: record.at,
        }
    }
}

impl MemberView {
    fn of(member: &MemberStatus, now: Timestamp) -> Self {
        Self {
            cluster_provider: member.cluster.provider.to_string(),
            cluster: member.cluster.cluster.to_string(),
            reference: member.reference.as_ref().map(ToString::to_string),
            state: show_member_state(member.state),
            applied_generation: member.applied_generation,
            checked_at: member.checked_at,
            age_seconds: member.checked_at.map(|at| seconds_between(at, now)),
            conditions: member
                .conditions
                .iter()
                .map(|condition| ConditionView::of(condition, now))
                .collect(),
            objects: member.objects.iter().map(ObjectView::of).collect(),
            last_error: member.last_error.as_ref().map(LastErrorView::of),
            kubeconfig_until: member.kubeconfig_until,
            quotas: member.quotas.iter().map(QuotaStateView::of).collect(),
        }
    }
}

impl QuotaStateView {
    fn of(quota: &QuotaState) -> Self {
        Self {
            name: quota.name.clone(),
            hard: quota.hard.clone(),
            used: quota.used.clone(),
        }
    }
}

impl ConditionView {
    pub(crate) fn of(condition: &Condition, now: Timestamp) -> Self {
        Self {
            track: condition.track.as_str().to_owned(),
            status: match condition.status {
                ConditionStatus::True => ConditionStatusView::True,
                ConditionStatus::Progressing => ConditionStatusView::Progressing,
                ConditionStatus::Blocked => ConditionStatusView::Blocked,
                ConditionStatus::Unknown => ConditionStatusView::Unknown,
            },
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            hint: condition.hint.clone(),
            since: condition.since,
            age_seconds: seconds_between(condition.since, now),
        }
    }
}

impl ObjectView {
    pub(crate) fn of(status: &ObjectStatus) -> Self {
        Self {
            group: status.object.group.clone(),
            version: status.object.version.clone(),
            kind: status.object.kind.clone(),
            namespace: status.object.namespace.clone(),
            name: status.object.name.clone(),
            track: status.track.as_str().to_owned(),
            state: match status.state {
                ObjectState::Ready => ObjectStateView::Ready,
                ObjectState::Progressing => ObjectStateView::Progressing,
                ObjectState::Pending => ObjectStateView::Pending,
                ObjectState::Blocked => ObjectStateView::Blocked,
                ObjectState::Terminating => ObjectStateView::Terminating,
            },
            reason: status.reason.clone(),
            message: status.message.clone(),
            read_at: status.read_at,
            drift: status.drift.as_ref().map(DriftView::of),
        }
    }
}

impl DriftView {
    fn of(drift: &Drift) -> Self {
        let fields = drift.fields.iter().map(|drifted| DriftedFieldView {
            field: drifted.field.clone(),
            managers: drifted.managers.clone(),
        });
        Self {
            fields: fields.collect(),
            since: drift.since,
        }
    }
}

impl LastErrorView {
    pub(crate) fn of(error: &LastError) -> Self {
        Self {
            category: error.category.clone(),
            message: error.message.clone(),
            hint: error.hint.clone(),
            at: error.at,
            attempts: error.attempts,
            member_generation: error.member_generation,
        }
    }
}

fn show_member_state(state: MemberState) -> MemberStateView {
    match state {
        MemberState::Pending => MemberStateView::Pending,
        MemberState::Progressing => MemberStateView::Progressing,
        MemberState::Ready => MemberStateView::Ready,
        MemberState::Blocked => MemberStateView::Blocked,
        MemberState::Unreachable => MemberStateView::Unreachable,
        MemberState::Terminating => MemberStateView::Terminating,
        MemberState::Absent => MemberStateView::Absent,
        MemberState::Paused => MemberStateView::Paused,
    }
}
