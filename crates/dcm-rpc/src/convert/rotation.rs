//! Rotations, and the evidence that they wait for.

use dcm_types::ca::{
    Evidence, EvidenceStage, Requester, RotationGoal, RotationKind, RotationPhase, RotationState,
    StartRotation, Waiting,
};

use super::bundle::read_version;
use super::names::{read_cloud, read_cluster, read_requester, read_target};
use super::{Faults, each, moment};
use crate::v1;
use crate::v1::rotation as parts;

impl From<RotationKind> for v1::RotationKind {
    fn from(kind: RotationKind) -> Self {
        match kind {
            RotationKind::Intermediate => Self::Intermediate,
            RotationKind::Anchor => Self::Anchor,
        }
    }
}

impl From<RotationPhase> for v1::RotationPhase {
    fn from(phase: RotationPhase) -> Self {
        match phase {
            RotationPhase::Requested => Self::Requested,
            RotationPhase::TrustBoth => Self::TrustBoth,
            RotationPhase::SignWithNew => Self::SignWithNew,
            RotationPhase::OldOut => Self::OldOut,
            RotationPhase::TakingBack => Self::TakingBack,
            RotationPhase::Done => Self::Done,
            RotationPhase::Aborted => Self::Aborted,
        }
    }
}

impl From<EvidenceStage> for v1::EvidenceStage {
    fn from(stage: EvidenceStage) -> Self {
        match stage {
            EvidenceStage::Written => Self::Written,
            EvidenceStage::Loaded => Self::Loaded,
            EvidenceStage::Aged => Self::Aged,
        }
    }
}

impl From<&RotationGoal> for parts::Goal {
    fn from(goal: &RotationGoal) -> Self {
        Self {
            phase: v1::RotationPhase::from(goal.phase).into(),
            entered_at: goal.entered_at.map(moment),
            gate: goal.gate.map(|gate| v1::EvidenceStage::from(gate).into()),
        }
    }
}

impl From<&Waiting> for parts::Waiting {
    fn from(waiting: &Waiting) -> Self {
        Self {
            cluster: Some((&waiting.cluster).into()),
            missing: v1::EvidenceStage::from(waiting.missing).into(),
            last_seen: waiting.last_seen.map(moment),
        }
    }
}

impl From<&RotationState> for v1::Rotation {
    fn from(state: &RotationState) -> Self {
        Self {
            cloud: Some((&state.cloud).into()),
            number: state.number,
            kind: v1::RotationKind::from(state.kind).into(),
            phase: v1::RotationPhase::from(state.phase).into(),
            goals: state.goals.iter().map(Into::into).collect(),
            waiting: state.waiting.iter().map(Into::into).collect(),
            members: state.members,
            aged_at: state.aged_at.map(moment),
            started_at: Some(moment(state.started_at)),
            ended_at: state.ended_at.map(moment),
            dry_run: state.dry_run,
        }
    }
}

impl From<&Evidence> for v1::ReportEvidenceRequest {
    fn from(evidence: &Evidence) -> Self {
        Self {
            target: Some((&evidence.target).into()),
            cloud_uid: evidence.cloud_uid.to_string(),
            version: Some((&evidence.version).into()),
            stage: v1::EvidenceStage::from(evidence.stage).into(),
        }
    }
}

/// What is asked for, and by whom.
pub(crate) fn start(rotation: &StartRotation, by: &Requester) -> v1::StartRotationRequest {
    v1::StartRotationRequest {
        cloud: Some((&rotation.cloud).into()),
        kind: v1::RotationKind::from(rotation.kind).into(),
        dry_run: rotation.dry_run,
        requester: Some(by.into()),
    }
}

fn kind(number: i32) -> Option<RotationKind> {
    match v1::RotationKind::try_from(number).ok()? {
        v1::RotationKind::Unspecified => None,
        v1::RotationKind::Intermediate => Some(RotationKind::Intermediate),
        v1::RotationKind::Anchor => Some(RotationKind::Anchor),
    }
}

fn phase(number: i32) -> Option<RotationPhase> {
    match v1::RotationPhase::try_from(number).ok()? {
        v1::RotationPhase::Unspecified => None,
        v1::RotationPhase::Requested => Some(RotationPhase::Requested),
        v1::RotationPhase::TrustBoth => Some(RotationPhase::TrustBoth),
        v1::RotationPhase::SignWithNew => Some(RotationPhase::SignWithNew),
        v1::RotationPhase::OldOut => Some(RotationPhase::OldOut),
        v1::RotationPhase::TakingBack => Some(RotationPhase::TakingBack),
        v1::RotationPhase::Done => Some(RotationPhase::Done),
        v1::RotationPhase::Aborted => Some(RotationPhase::Aborted),
    }
}

fn stage(number: i32) -> Option<EvidenceStage> {
    match v1::EvidenceStage::try_from(number).ok()? {
        v1::EvidenceStage::Unspecified => None,
        v1::EvidenceStage::Written => Some(EvidenceStage::Written),
        v1::EvidenceStage::Loaded => Some(EvidenceStage::Loaded),
        v1::EvidenceStage::Aged => Some(EvidenceStage::Aged),
    }
}

fn read_goal(wire: parts::Goal, field: &str, faults: &mut Faults) -> Option<RotationGoal> {
    let phase = faults.one_of(phase(wire.phase), &format!("{field}.phase"));
    let entered_at = faults.maybe_moment(wire.entered_at, &format!("{field}.entered_at"));
    let gate = wire.gate.and_then(|number| {
        let stage = stage(number);
        faults.one_of(stage, &format!("{field}.gate"))
    });
    Some(RotationGoal {
        phase: phase?,
        entered_at,
        gate,
    })
}

fn read_waiting(wire: parts::Waiting, field: &str, faults: &mut Faults) -> Option<Waiting> {
    let cluster = read_cluster(wire.cluster, &format!("{field}.cluster"), faults);
    let missing = faults.one_of(stage(wire.missing), &format!("{field}.missing"));
    let last_seen = faults.maybe_moment(wire.last_seen, &format!("{field}.last_seen"));
    Some(Waiting {
        cluster: cluster?,
        missing: missing?,
        last_seen,
    })
}

pub(crate) fn read_rotation(
    wire: Option<v1::Rotation>,
    field: &str,
    faults: &mut Faults,
) -> Option<RotationState> {
    let wire = faults.required(wire, field)?;
    let cloud = read_cloud(wire.cloud, &format!("{field}.cloud"), faults);
    let kind = faults.one_of(kind(wire.kind), &format!("{field}.kind"));
    let phase = faults.one_of(phase(wire.phase), &format!("{field}.phase"));
    let goals = each(wire.goals, &format!("{field}.goals"), faults, read_goal);
    let waiting = each(
        wire.waiting,
        &format!("{field}.waiting"),
        faults,
        read_waiting,
    );
    let aged_at = faults.maybe_moment(wire.aged_at, &format!("{field}.aged_at"));
    let started_at = faults.moment(wire.started_at, &format!("{field}.started_at"));
    let ended_at = faults.maybe_moment(wire.ended_at, &format!("{field}.ended_at"));
    Some(RotationState {
        cloud: cloud?,
        number: wire.number,
        kind: kind?,
        phase: phase?,
        goals: goals?,
        waiting: waiting?,
        members: wire.members,
        aged_at,
        started_at: started_at?,
        ended_at,
        dry_run: wire.dry_run,
    })
}

pub(crate) fn read_start(
    wire: v1::StartRotationRequest,
    faults: &mut Faults,
) -> Option<(StartRotation, Requester)> {
    let cloud = read_cloud(wire.cloud, "cloud", faults);
    let kind = faults.one_of(kind(wire.kind), "kind");
    let by = read_requester(wire.requester, "requester", faults);
    let rotation = StartRotation {
        cloud: cloud?,
        kind: kind?,
        dry_run: wire.dry_run,
    };
    Some((rotation, by?))
}

pub(crate) fn read_evidence(
    wire: v1::ReportEvidenceRequest,
    faults: &mut Faults,
) -> Option<Evidence> {
    let target = read_target(wire.target, "target", faults);
    let uid = faults.uid(&wire.cloud_uid, "cloud_uid");
    let version = read_version(wire.version, "version", faults);
    let stage = faults.one_of(stage(wire.stage), "stage");
    Some(Evidence {
        target: target?,
        cloud_uid: uid?,
        version: version?,
        stage: stage?,
    })
}
