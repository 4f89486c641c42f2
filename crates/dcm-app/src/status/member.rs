//! Where one member stands, from what the synchronizer recorded of it. Pure.

use dcm_types::documents::{LastError, Observed, Target};
use dcm_types::status::MemberState;
use dcm_types::{Condition, ConditionStatus, Track};

/// What is wished of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The slice of this generation.
    Present(u64),
    /// Nothing.
    Absent {
        /// Whether its namespace is still held for the cloud: before it is released, a run that began
        /// earlier may still write.
        reserved: bool,
    },
}

/// Categories of errors that say that the member does not answer.
const UNREACHABLE: &[&str] = &["unreachable", "timeout", "tls"];
/// Categories of errors that do not go away by themselves.
const BLOCKING: &[&str] = &[
    "unauthorized",
    "refused-address",
    "identity-changed",
    "duplicate-cluster",
    "not-registered",
    "forgotten",
    "ahead",
    "internal",
    "forbidden",
    "quota-exceeded",
    "missing-kind",
    "webhook",
    "invalid",
];

/// Where the member stands. What does not answer is unreachable, whatever was true of it before.
pub(super) fn state_of(target: Option<&Target>, expected: Expected) -> MemberState {
    match expected {
        Expected::Present(generation) => target.map_or(MemberState::Pending, |target| {
            present_state(target, generation)
        }),
        Expected::Absent { reserved } => absent_state(target, reserved),
    }
}

fn present_state(target: &Target, generation: u64) -> MemberState {
    if failed_by(target, UNREACHABLE) {
        MemberState::Unreachable
    } else if is_in_force(target, generation) {
        MemberState::Ready
    } else if target.wanted_generation < generation {
        MemberState::Pending
    } else if is_blocked(target) {
        MemberState::Blocked
    } else {
        MemberState::Progressing
    }
}

fn absent_state(target: Option<&Target>, reserved: bool) -> MemberState {
    match target {
        Some(target) if target.observed != Observed::Absent => {
            if failed_by(target, UNREACHABLE) {
                MemberState::Unreachable
            } else if failed_by(target, BLOCKING) {
                MemberState::Blocked
            } else {
                MemberState::Terminating
            }
        }
        _ if reserved => MemberState::Terminating,
        _ => MemberState::Absent,
    }
}

/// Whether everything of the generation was read back, every track says that it holds, and the last
/// look at it did not fail.
fn is_in_force(target: &Target, generation: u64) -> bool {
    let known =
        matches!(&target.observed, Observed::Known { generation: seen, .. } if *seen == generation);
    let holds = |track: &Track| {
        target
            .conditions
            .iter()
            .any(|c| c.track == *track && c.status == ConditionStatus::True)
    };
    known
        && target.applied_generation == Some(generation)
        && target.last_error.is_none()
        && Track::USUAL.iter().all(holds)
        && target.conditions.iter().all(is_no_obstacle)
}

/// A mesh counts where there is one; that a control plane runs is not ours to make true, and is told only.
fn is_no_obstacle(condition: &Condition) -> bool {
    condition.track != Track::Mesh
        || condition.status == ConditionStatus::True
        || condition.reason == "ControlPlaneNotRunning"
}

fn is_blocked(target: &Target) -> bool {
    let blocked = |status| status == ConditionStatus::Blocked;
    target.conditions.iter().any(|c| blocked(c.status)) || failed_by(target, BLOCKING)
}

fn failed_by(target: &Target, categories: &[&str]) -> bool {
    let category = |error: &LastError| categories.contains(&error.category.as_str());
    target.last_error.as_ref().is_some_and(category)
}
