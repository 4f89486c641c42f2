//! The answer to an action: which generation will show that it is done.

use serde::{Deserialize, Serialize};

/// Whether a logical cloud shall exist in its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// It shall exist.
    Present,
    /// Nothing of it shall exist.
    Absent,
}

/// The wish as it is shown.
pub fn wire_wish(wish: dcm_types::documents::Wish) -> Wish {
    match wish {
        dcm_types::documents::Wish::Present => Wish::Present,
        dcm_types::documents::Wish::Absent => Wish::Absent,
    }
}

/// An accepted action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The generation to wait for.
    pub generation: u64,
    /// The wish of that generation.
    pub wish: Wish,
    /// Work on it rests until the next action.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paused: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// The answer to a deletion that happens as soon as the last member is clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuedDeletion {
    /// Always `queued`.
    pub deletion: String,
}

impl QueuedDeletion {
    /// The answer.
    #[expect(
        clippy::new_without_default,
        reason = "it is an answer, not a value to fill in"
    )]
    pub fn new() -> Self {
        Self {
            deletion: "queued".to_owned(),
        }
    }
}
