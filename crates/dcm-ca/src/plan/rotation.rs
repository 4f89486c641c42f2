//! Whether a rotation goes on.

use dcm_types::Timestamp;
use dcm_types::ca::{KeyOrigin, RotationKind, RotationPhase};
use dcm_types::documents::ca::{Aging, CaAuthority, CaEdge, Rotation};
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::gate;
use crate::policy::{Policy, after, signed};

/// What is done about a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationStep {
    /// Nothing: none is running, or it waits.
    Rest,
    /// The new anchor is made.
    MakeAnchor,
    /// How long every member has had it is written down; `None`: a member does not have it any more.
    Count(Option<Aging>),
    /// The next phase is entered.
    Enter(RotationPhase),
}

/// Decides whether the rotation of a cloud goes on. `edges` are all of the cloud.
pub fn plan_rotation(
    now: Timestamp,
    policy: &Policy,
    authority: &CaAuthority,
    edges: &[CaEdge],
) -> RotationStep {
    let Some(rotation) = authority.running() else {
        return RotationStep::Rest;
    };
    let next = match (rotation.kind, rotation.phase) {
        (_, RotationPhase::Requested) => return RotationStep::MakeAnchor,
        (RotationKind::Anchor, RotationPhase::TrustBoth) => RotationPhase::SignWithNew,
        (RotationKind::Anchor, RotationPhase::SignWithNew) => RotationPhase::OldOut,
        (_, RotationPhase::TakingBack) => RotationPhase::Aborted,
        (_, _) => RotationPhase::Done,
    };
    if !gate::waiting(authority, rotation, edges).is_empty() {
        return match rotation.aging {
            Some(_) => RotationStep::Count(None),
            None => RotationStep::Rest,
        };
    }
    if !must_age(rotation) || edges.is_empty() {
        return RotationStep::Enter(next);
    }
    age(now, policy, rotation, edges, next)
}

/// What an anchor signed, or what trusts the old one alone, must have ended before the next phase.
pub(super) fn must_age(rotation: &Rotation) -> bool {
    let phases = [RotationPhase::TrustBoth, RotationPhase::SignWithNew];
    rotation.kind == RotationKind::Anchor && phases.contains(&rotation.phase)
}

fn age(
    now: Timestamp,
    policy: &Policy,
    rotation: &Rotation,
    edges: &[CaEdge],
    next: RotationPhase,
) -> RotationStep {
    let members = members_digest(edges);
    let Some(aging) = rotation
        .aging
        .as_ref()
        .filter(|aging| aging.members == members)
    else {
        let aging = Aging {
            members,
            seconds: 0,
            counted_to: now,
        };
        return RotationStep::Count(Some(aging));
    };
    let step = signed(policy.longest_step);
    let passed = now.duration_since(aging.counted_to);
    let seconds = aging.seconds + passed.clamp(SignedDuration::ZERO, step).as_secs();
    if seconds > signed(needed(policy)).as_secs() {
        return RotationStep::Enter(next);
    }
    // Less often than it is looked at, so that a long wait is not many commits; at once when the clock went back.
    if passed < SignedDuration::ZERO || passed >= step / 2 {
        let aging = Aging {
            members,
            seconds,
            counted_to: now,
        };
        return RotationStep::Count(Some(aging));
    }
    RotationStep::Rest
}

/// How long a phase ages: as long as any leaf lives, and a propagation more for reports that came early.
pub(super) fn needed(policy: &Policy) -> std::time::Duration {
    policy.longest_leaf.saturating_add(policy.propagation)
}

/// Digest of who the members are, whatever their order.
pub fn members_digest(edges: &[CaEdge]) -> String {
    let mut members: Vec<_> = edges.iter().map(|edge| edge.uid).collect();
    members.sort();
    let mut hash = Sha256::new();
    for member in members {
        hash.update(member.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Whether a cloud gets another anchor without being asked: in the last third of the life of one that was made
/// here, when another one would live longer.
pub fn anchor_is_due(
    now: Timestamp,
    policy: &Policy,
    authority: &CaAuthority,
    above_ends: Option<Timestamp>,
) -> bool {
    let Some(anchor) = authority.signing_anchor() else {
        return false;
    };
    let third = anchor.not_after.duration_since(anchor.not_before) / 3;
    let due = anchor
        .not_after
        .checked_sub(third)
        .unwrap_or(anchor.not_before);
    let life = match above_ends {
        Some(_) => policy.anchor_life,
        None => policy.root_life,
    };
    let end = after(now, life).min(above_ends.unwrap_or(Timestamp::MAX));
    let ours = matches!(anchor.origin, KeyOrigin::Made | KeyOrigin::Issued);
    authority.running().is_none() && ours && now >= due && end > anchor.not_after
}
