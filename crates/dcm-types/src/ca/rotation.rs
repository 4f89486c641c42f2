//! How a cloud gets new keys without a gap: phases, each of which waits for evidence from every member.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::evidence::EvidenceStage;
use crate::key::{CloudKey, ClusterKey};

/// What gets a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationKind {
    /// The intermediate of every edge, under the same anchor.
    Intermediate,
    /// The anchor, and with it the intermediate of every edge.
    Anchor,
}

/// Where a rotation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationPhase {
    /// Anchor: it was asked for; the new anchor is being made.
    Requested,
    /// Anchor: both anchors are trusted, the old one signs.
    TrustBoth,
    /// Anchor: both are trusted, the new one signs. Intermediate: every edge gets a new one.
    SignWithNew,
    /// Anchor: only the new one is trusted.
    OldOut,
    /// Anchor: it was aborted, and only the old one is trusted again.
    TakingBack,
    /// It is done in every member.
    Done,
    /// It was aborted, and what was before is true in every member.
    Aborted,
}

impl RotationPhase {
    /// Every phase.
    pub const ALL: [Self; 7] = [
        Self::Requested,
        Self::TrustBoth,
        Self::SignWithNew,
        Self::OldOut,
        Self::TakingBack,
        Self::Done,
        Self::Aborted,
    ];

    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::TrustBoth => "trust-both",
            Self::SignWithNew => "sign-with-new",
            Self::OldOut => "old-out",
            Self::TakingBack => "taking-back",
            Self::Done => "done",
            Self::Aborted => "aborted",
        }
    }

    /// Nothing is going on any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Aborted)
    }

    /// Whether a rotation of that kind can be aborted here. That of an anchor only until the new one signs: from
    /// then on the way back is as long as the way on, and is a rotation of its own. That of intermediates at any
    /// time: what was renewed stays, under the same anchor.
    pub const fn can_be_aborted(self, kind: RotationKind) -> bool {
        match kind {
            RotationKind::Anchor => matches!(self, Self::Requested | Self::TrustBoth),
            RotationKind::Intermediate => matches!(self, Self::SignWithNew),
        }
    }
}

/// A rotation is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRotation {
    /// Of which cloud.
    pub cloud: CloudKey,
    /// What gets a new key.
    pub kind: RotationKind,
    /// Only tell what would be done, and who would hold it up now.
    pub dry_run: bool,
}

/// A member that holds a phase up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which one.
    pub cluster: ClusterKey,
    /// What was not seen of it yet.
    pub missing: EvidenceStage,
    /// When anything was last seen of it; `None`: never.
    pub last_seen: Option<Timestamp>,
}

/// One phase as it was, is, or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationGoal {
    /// Which one.
    pub phase: RotationPhase,
    /// When it was entered; `None`: not yet.
    pub entered_at: Option<Timestamp>,
    /// What it waits for in every member before the next one; `None`: for nothing.
    pub gate: Option<EvidenceStage>,
}

/// A rotation, running or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationState {
    /// Of which cloud.
    pub cloud: CloudKey,
    /// Counts the rotations of the cloud, from 1; a dry run has the number that the next one would have.
    pub number: u64,
    /// What gets a new key.
    pub kind: RotationKind,
    /// Where it stands.
    pub phase: RotationPhase,
    /// All its phases in order.
    pub goals: Vec<RotationGoal>,
    /// Who holds the present phase up; for a dry run, who would.
    pub waiting: Vec<Waiting>,
    /// How many members there are.
    pub members: u64,
    /// When leaves signed before the last member followed will have ended, as far as it is known.
    pub aged_at: Option<Timestamp>,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Nothing was changed: this is what would be.
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_stored_form_are_one() {
        for phase in RotationPhase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        }
    }

    #[test]
    fn nothing_can_be_aborted_after_its_end() {
        for kind in [RotationKind::Intermediate, RotationKind::Anchor] {
            for phase in RotationPhase::ALL
                .into_iter()
                .filter(|phase| phase.is_over())
            {
                assert!(!phase.can_be_aborted(kind), "{kind:?} {phase:?}");
            }
        }
    }
}
