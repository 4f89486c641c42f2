//! The lifecycle of a logical cloud: the last accepted wish, and what was asked before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::key::{CloudKey, DocumentKind, Key};
use crate::uid::Uid;

/// What shall be true in the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// The slice exists.
    Present,
    /// Nothing of it exists.
    Absent,
}

/// An action that a user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make it exist.
    Instantiate,
    /// Make it match its documents.
    Update,
    /// Make it go.
    Terminate,
    /// Leave it as it is until the next action.
    Stop,
    /// Make what a user holds open nothing, and give them something new.
    Revoke,
}

/// One accepted action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// What was asked.
    pub action: Action,
    /// The generation it made, or left as it was.
    pub generation: u64,
    /// When.
    pub at: Timestamp,
}

/// Which revision is wanted. It changes by compare-and-swap only, so that two writers cannot both
/// win, and it is a document of its own, so that an action does not change the `ETag` of the cloud.
/// It is absent until the first action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Its uid.
    pub cloud_uid: Uid,
    /// Generation of the wanted revision; the first is 1.
    pub generation: u64,
    /// The wish of that revision.
    pub wish: Wish,
    /// The cloud is to be deleted as soon as every member is clean.
    pub delete_when_absent: bool,
    /// Since when all work on the cloud rests, until the next action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Timestamp>,
    /// The last accepted actions, oldest first, bounded by [`Lifecycle::HISTORY`].
    pub history: Vec<ActionRecord>,
    /// How many older actions are not remembered any more.
    #[serde(default)]
    pub forgotten: u64,
}

impl Lifecycle {
    /// How many actions are remembered.
    pub const HISTORY: usize = 50;

    /// Adds an action to the history, and forgets the oldest beyond the bound.
    pub fn remember(&mut self, record: ActionRecord) {
        self.history.push(record);
        let excess = self.history.len().saturating_sub(Self::HISTORY);
        self.history.drain(..excess);
        self.forgotten += u64::try_from(excess).unwrap_or(0);
    }
}

impl Document for Lifecycle {
    const KIND: DocumentKind = DocumentKind::Lifecycle;

    fn key(&self) -> Key {
        Key::of_cloud(DocumentKind::Lifecycle, &self.cloud)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifecycle_of_an_older_version_is_not_paused() {
        let text = r#"{"cloud":{"project":"p","cloud":"c"},
            "cloud_uid":"00000000-0000-4000-8000-000000000000","generation":2,"wish":"present",
            "delete_when_absent":false,"history":[]}"#;
        let read: Lifecycle = serde_json::from_str(text).unwrap();
        assert_eq!((read.paused_at, read.forgotten), (None, 0));
    }
}
