//! What one edge needs.

use dcm_types::ca::RotationKind;
use dcm_types::documents::ca::{Anchor, CaAuthority, CaEdge, EdgeGeneration};
use dcm_types::{Timestamp, Uid};
use jiff::SignedDuration;

use super::lists;
use crate::policy::{Policy, after, before};

/// What is done about an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeStep {
    /// Nothing.
    Keep,
    /// It gets another intermediate.
    Issue(Why),
    /// Its own list is made anew.
    SignList,
}

/// Why an edge gets another intermediate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has none.
    First,
    /// The one it has was revoked.
    Revoked,
    /// The one it has is below another anchor than the one that signs.
    Anchor,
    /// A rotation of the intermediates is running.
    Rotation,
    /// The one it has is to be renewed.
    Due,
}

impl Why {
    /// Nothing is wrong with the one it has.
    pub const fn can_wait(self) -> bool {
        match self {
            Self::First | Self::Revoked => false,
            Self::Anchor | Self::Rotation | Self::Due => true,
        }
    }

    /// In words, for the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "it had none",
            Self::Revoked => "the one before was revoked",
            Self::Anchor => "another anchor signs",
            Self::Rotation => "rotation of the intermediates",
            Self::Due => "renewal",
        }
    }
}

/// Decides what an edge needs. `None`: there is no edge yet.
pub fn plan_edge(
    now: Timestamp,
    policy: &Policy,
    authority: &CaAuthority,
    edge: Option<&CaEdge>,
) -> EdgeStep {
    let Some(current) = edge.and_then(CaEdge::current) else {
        return EdgeStep::Issue(Why::First);
    };
    if current.revoked_at.is_some() {
        return EdgeStep::Issue(Why::Revoked);
    }
    if current.anchor != authority.signing {
        return EdgeStep::Issue(Why::Anchor);
    }
    if authority.running().is_some_and(|running| {
        running.kind == RotationKind::Intermediate && current.rotation < running.number
    }) {
        return EdgeStep::Issue(Why::Rotation);
    }
    if now >= current.renew_at && lives_longer(now, policy, authority.signing_anchor(), current) {
        return EdgeStep::Issue(Why::Due);
    }
    if lists::list_is_due(now, &current.list) {
        return EdgeStep::SignList;
    }
    EdgeStep::Keep
}

/// Another one would end later: near the end of its anchor it would not, and would be made again and again.
fn lives_longer(
    now: Timestamp,
    policy: &Policy,
    anchor: Option<&Anchor>,
    current: &EdgeGeneration,
) -> bool {
    anchor.is_some_and(|anchor| {
        after(now, policy.edge_life).min(anchor.not_after) > current.not_after
    })
}

/// When an intermediate is renewed: between a half and two thirds of its life, each edge at another time, and so
/// early that no leaf of it outlives it.
pub fn renew_at(policy: &Policy, edge: Uid, (begin, end): (Timestamp, Timestamp)) -> Timestamp {
    let life = end.duration_since(begin);
    let [first, second, ..] = *edge.as_bytes();
    let jitter = life / 6 * i32::from(u16::from_be_bytes([first, second])) / i32::from(u16::MAX);
    let wished = begin.checked_add(life / 2 + jitter).unwrap_or(end);
    wished.min(before(
        end,
        policy.longest_leaf.saturating_add(policy.propagation),
    ))
}

/// When the bundle of an edge is to be asked for again, at the latest.
pub fn ask_again_at(
    now: Timestamp,
    authority: &CaAuthority,
    current: &EdgeGeneration,
) -> Timestamp {
    let anchor = authority.anchor(current.anchor);
    let list = anchor.map_or(current.not_after, |anchor| lists::due_at(&anchor.list));
    let due = current.renew_at.min(lists::due_at(&current.list)).min(list);
    // What is due already is being made: asking without a pause would not hurry it.
    let pause = now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now);
    due.max(pause)
}
