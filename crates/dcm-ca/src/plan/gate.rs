//! The gate of a phase: which members were not seen to have what the phase is about.

use dcm_types::ca::{EvidenceStage, RotationKind, RotationPhase, Seen, Waiting};
use dcm_types::documents::ca::{CaAuthority, CaEdge, EdgeGeneration, Rotation};

/// The members that hold the present phase up, by cluster. Every edge is a member; one that is away holds the gate.
pub fn waiting(authority: &CaAuthority, rotation: &Rotation, edges: &[CaEdge]) -> Vec<Waiting> {
    let mut waiting: Vec<Waiting> = edges
        .iter()
        .filter_map(|edge| {
            let missing = missing(authority, rotation, edge)?;
            Some(Waiting {
                cluster: edge.target.cluster.clone(),
                missing,
                last_seen: edge.written.max_by_time(edge.loaded),
            })
        })
        .collect();
    waiting.sort_by(|one, other| one.cluster.cmp(&other.cluster));
    waiting
}

/// What was not seen of a member yet.
fn missing(authority: &CaAuthority, rotation: &Rotation, edge: &CaEdge) -> Option<EvidenceStage> {
    let has = |seen: Option<Seen>| seen.is_some_and(|seen| fits(authority, rotation, edge, seen));
    if has(edge.loaded) {
        None
    } else if has(edge.written) {
        Some(EvidenceStage::Loaded)
    } else {
        Some(EvidenceStage::Written)
    }
}

/// The bundle that was seen is one that the phase wants.
fn fits(authority: &CaAuthority, rotation: &Rotation, edge: &CaEdge, seen: Seen) -> bool {
    if seen.version.trust < authority.trust {
        return false;
    }
    // A generation that is not remembered any more is older than all that are.
    let generations = &edge.generations;
    let seen = generations
        .iter()
        .find(|one| one.generation == seen.version.generation);
    match (rotation.kind, rotation.phase) {
        (RotationKind::Intermediate, RotationPhase::SignWithNew) => {
            seen.is_some_and(|one| one.rotation >= rotation.number)
        }
        (RotationKind::Anchor, RotationPhase::SignWithNew) => {
            seen.is_some_and(|one| one.anchor == authority.signing)
        }
        _ => seen.is_some_and(|one| is_trusted(authority, one)),
    }
}

/// Also in the other phases a member must not sign below an anchor that nobody trusts.
fn is_trusted(authority: &CaAuthority, generation: &EdgeGeneration) -> bool {
    authority.trusted.contains(&generation.anchor)
}

/// The later of two reports.
trait Later {
    fn max_by_time(self, other: Option<Seen>) -> Option<dcm_types::Timestamp>;
}

impl Later for Option<Seen> {
    fn max_by_time(self, other: Option<Seen>) -> Option<dcm_types::Timestamp> {
        self.map(|seen| seen.at).max(other.map(|seen| seen.at))
    }
}
