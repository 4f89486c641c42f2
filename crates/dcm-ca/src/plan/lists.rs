//! Lists of revoked certificates: made anew after half of their life, since one that is over may cut a mesh.

use dcm_types::Timestamp;
use dcm_types::documents::ca::SignedList;

/// Whether a list is to be made anew.
pub fn list_is_due(now: Timestamp, list: &SignedList) -> bool {
    now >= due_at(list)
}

/// When it is to be made anew.
pub(super) fn due_at(list: &SignedList) -> Timestamp {
    let half = list.ends_at.duration_since(list.made_at) / 2;
    list.made_at.checked_add(half).unwrap_or(list.ends_at)
}
