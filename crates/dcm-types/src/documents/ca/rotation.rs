//! A rotation as it is stored with its authority, so that a phase and what it means change in one commit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ca::{RotationKind, RotationPhase};

/// A rotation, running or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Counts the rotations of the authority, from 1.
    pub number: u64,
    /// What gets a new key.
    pub kind: RotationKind,
    /// Where it stands.
    pub phase: RotationPhase,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// The phases that were entered, with their times, in order.
    pub entered: Vec<(RotationPhase, Timestamp)>,
    /// The anchor that signed at its beginning.
    pub from: u64,
    /// The anchor that signs at its end; `None`: it is not made yet. The same for intermediates.
    pub to: Option<u64>,
    /// How long every member has had what the phase is about; `None`: not every member has it.
    pub aging: Option<Aging>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// Time that has passed since the last member followed. It is added up in small steps, so that a clock that jumps
/// forward ages nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aging {
    /// Digest of the members that it is about: with others it begins anew.
    pub members: String,
    /// Seconds that have passed.
    pub seconds: i64,
    /// Up to when they are counted.
    pub counted_to: Timestamp,
}
