//! What a phase changes in an authority: what is trusted, and what signs.

use dcm_types::Timestamp;
use dcm_types::ca::{RotationKind, RotationPhase};
use dcm_types::documents::ca::{CaAuthority, Rotation};

/// The first anchor of a cloud is there: it signs and is trusted.
pub fn first_anchor(authority: &mut CaAuthority, generation: u64) {
    authority.signing = generation;
    trust(authority, vec![generation]);
}

/// Writes a rotation down. Intermediates begin to be signed anew at once; an anchor is asked for.
pub fn begin(authority: &mut CaAuthority, kind: RotationKind, now: Timestamp) -> Rotation {
    authority.rotations += 1;
    let (phase, to) = match kind {
        RotationKind::Intermediate => (RotationPhase::SignWithNew, Some(authority.signing)),
        RotationKind::Anchor => (RotationPhase::Requested, None),
    };
    let rotation = Rotation {
        number: authority.rotations,
        kind,
        phase,
        started_at: now,
        entered: vec![(phase, now)],
        from: authority.signing,
        to,
        aging: None,
        ended_at: None,
    };
    authority.rotation = Some(rotation.clone());
    rotation
}

/// Enters a phase. Returns the generations of anchors that are gone with it, with their keys.
pub fn enter(authority: &mut CaAuthority, phase: RotationPhase, now: Timestamp) -> Vec<u64> {
    let Some(rotation) = &mut authority.rotation else {
        return Vec::new();
    };
    rotation.phase = phase;
    rotation.entered.push((phase, now));
    rotation.aging = None;
    rotation.ended_at = phase.is_over().then_some(now);
    let (kind, from, to) = (rotation.kind, rotation.from, rotation.to);
    if kind == RotationKind::Intermediate {
        return Vec::new();
    }
    match (phase, to) {
        (RotationPhase::TrustBoth, Some(to)) => trust(authority, vec![from, to]),
        (RotationPhase::SignWithNew, Some(to)) => authority.signing = to,
        (RotationPhase::OldOut, Some(to)) => trust(authority, vec![to]),
        (RotationPhase::TakingBack, _) => trust(authority, vec![from]),
        (RotationPhase::Done | RotationPhase::Aborted, _) => return forget_untrusted(authority),
        _ => {}
    }
    Vec::new()
}

fn trust(authority: &mut CaAuthority, generations: Vec<u64>) {
    authority.trusted = generations;
    authority.trust += 1;
}

fn forget_untrusted(authority: &mut CaAuthority) -> Vec<u64> {
    let trusted = &authority.trusted;
    let mut gone = Vec::new();
    authority.anchors.retain(|anchor| {
        let kept = trusted.contains(&anchor.generation);
        if !kept {
            gone.push(anchor.generation);
        }
        kept
    });
    gone
}
