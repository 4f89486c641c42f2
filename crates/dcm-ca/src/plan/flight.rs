//! How many members get another intermediate at the same time: a fault that only shows in a member shall not be in all of
//! them before it is seen in one.

use dcm_types::Timestamp;
use dcm_types::documents::ca::CaEdge;
use jiff::SignedDuration;

use crate::policy::{Policy, after, before};

/// How far back a certificate begins when it is made.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Another intermediate is on its way to a member that used the one before. One that does not answer is not waited
/// for longer than a propagation: the others must be renewed all the same.
pub fn is_in_flight(now: Timestamp, policy: &Policy, edge: &CaEdge) -> bool {
    let Some(current) = edge.current() else {
        return false;
    };
    let replaces = edge
        .loaded
        .is_some_and(|seen| seen.version.generation < current.generation);
    let made_at = current
        .not_before
        .checked_add(SKEW)
        .unwrap_or(current.not_before);
    replaces && now < after(made_at, policy.propagation)
}

/// An edge waits with its next intermediate because enough others are on their way. `edges` are all of the cloud.
pub fn must_wait<'a>(
    now: Timestamp,
    policy: &Policy,
    edge: &CaEdge,
    edges: impl Iterator<Item = &'a CaEdge>,
) -> bool {
    let Some(current) = edge.current() else {
        return false;
    };
    // What it signs must end before it, whatever the others do.
    let margin = policy.longest_leaf.saturating_add(policy.propagation);
    if now >= before(current.not_after, margin) {
        return false;
    }
    let others = edges.filter(|other| other.uid != edge.uid);
    let flying = others.filter(|other| is_in_flight(now, policy, other));
    flying.count() >= policy.edges_in_flight
}
