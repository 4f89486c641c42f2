//! A rotation as it is told.

use dcm_types::ca::{
    EvidenceStage, RotationGoal, RotationKind, RotationPhase, RotationState, StartRotation, Waiting,
};
use dcm_types::documents::ca::{CaAuthority, CaEdge, Rotation};
use dcm_types::{CloudKey, Timestamp};

use super::{enter, gate, rotation};
use crate::policy::{Policy, after};

/// What is told of a rotation that was asked for.
pub fn rotation_state(
    policy: &Policy,
    cloud: &CloudKey,
    (authority, rotation): (&CaAuthority, &Rotation),
    edges: &[CaEdge],
) -> RotationState {
    let waiting = if rotation.phase.is_over() || rotation.phase == RotationPhase::Requested {
        Vec::new()
    } else {
        gate::waiting(authority, rotation, edges)
    };
    let aged_at = rotation.aging.as_ref().map(|aging| {
        let passed = u64::try_from(aging.seconds).unwrap_or_default();
        let left = rotation::needed(policy).as_secs().saturating_sub(passed);
        after(aging.counted_to, std::time::Duration::from_secs(left))
    });
    RotationState {
        cloud: cloud.clone(),
        number: rotation.number,
        kind: rotation.kind,
        phase: rotation.phase,
        goals: goals(rotation),
        waiting,
        members: edges.len() as u64,
        aged_at,
        started_at: rotation.started_at,
        ended_at: rotation.ended_at,
        dry_run: false,
    }
}

/// What is told of one that would begin now: its phases, and who does not even have what is there now.
pub fn would_be(
    policy: &Policy,
    start: &StartRotation,
    authority: &CaAuthority,
    edges: &[CaEdge],
    now: Timestamp,
) -> RotationState {
    let mut imagined = authority.clone();
    let rotation = enter::begin(&mut imagined, start.kind, now);
    let behind = behind(authority, &rotation, edges);
    let state = rotation_state(policy, &start.cloud, (&imagined, &rotation), edges);
    RotationState {
        waiting: behind,
        dry_run: true,
        ..state
    }
}

/// Those who would hold the first phase up: they do not have what is there now.
fn behind(authority: &CaAuthority, rotation: &Rotation, edges: &[CaEdge]) -> Vec<Waiting> {
    let present = Rotation {
        kind: RotationKind::Anchor,
        phase: RotationPhase::TrustBoth,
        ..rotation.clone()
    };
    gate::waiting(authority, &present, edges)
}

fn goals(rotation: &Rotation) -> Vec<RotationGoal> {
    let aborted = [RotationPhase::TakingBack, RotationPhase::Aborted];
    let way: &[RotationPhase] = match rotation.kind {
        RotationKind::Intermediate => &[RotationPhase::SignWithNew, RotationPhase::Done],
        RotationKind::Anchor => &[
            RotationPhase::Requested,
            RotationPhase::TrustBoth,
            RotationPhase::SignWithNew,
            RotationPhase::OldOut,
            RotationPhase::Done,
        ],
    };
    let was = rotation.entered.iter().map(|(phase, _)| *phase);
    let phases: Vec<RotationPhase> = if aborted.contains(&rotation.phase) {
        let taken_back = rotation.kind == RotationKind::Anchor;
        let ahead = aborted
            .into_iter()
            .filter(|phase| taken_back || phase.is_over());
        let known: Vec<_> = was.collect();
        let ahead = ahead
            .filter(|phase| !known.contains(phase))
            .collect::<Vec<_>>();
        known.iter().copied().chain(ahead).collect()
    } else {
        way.to_vec()
    };
    phases
        .into_iter()
        .map(|phase| RotationGoal {
            phase,
            entered_at: entered_at(rotation, phase),
            gate: gate_of(rotation.kind, phase),
        })
        .collect()
}

fn entered_at(rotation: &Rotation, phase: RotationPhase) -> Option<Timestamp> {
    let mut entered = rotation.entered.iter();
    entered.find_map(|(was, at)| (*was == phase).then_some(*at))
}

fn gate_of(kind: RotationKind, phase: RotationPhase) -> Option<EvidenceStage> {
    match (kind, phase) {
        (_, RotationPhase::Requested | RotationPhase::Done | RotationPhase::Aborted) => None,
        (RotationKind::Anchor, RotationPhase::TrustBoth | RotationPhase::SignWithNew) => {
            Some(EvidenceStage::Aged)
        }
        _ => Some(EvidenceStage::Loaded),
    }
}
