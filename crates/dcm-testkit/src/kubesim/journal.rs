//! What happened to the objects of a member, in order: for whoever checks invariants over every step.

use dcm_types::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;

use super::objects::Change;

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Written {
    /// When.
    pub at: Timestamp,
    /// User who did it; empty for the controllers of the member.
    pub by: String,
    /// The object before.
    pub before: Option<Value>,
    /// The object after, or as it was last.
    pub after: Value,
    /// Whether it is gone.
    pub gone: bool,
}

/// A list of changes, empty until it is started.
#[derive(Debug, Default)]
pub struct Journal {
    written: Mutex<Option<Vec<Written>>>,
}

impl Journal {
    /// Begins to write down what happens. It costs memory for each change.
    pub fn start(&self) {
        self.written.lock().get_or_insert_default();
    }

    /// Everything since the start, oldest first.
    pub fn entries(&self) -> Vec<Written> {
        self.written.lock().clone().unwrap_or_default()
    }

    /// Takes what there is and goes on with an empty list.
    pub fn take(&self) -> Vec<Written> {
        self.written
            .lock()
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    pub(super) fn add<'a>(
        &self,
        changes: impl Iterator<Item = &'a Change>,
        by: &str,
        at: Timestamp,
    ) {
        let mut written = self.written.lock();
        let Some(written) = written.as_mut() else {
            return;
        };
        written.extend(changes.map(|change| Written {
            at,
            by: by.to_owned(),
            before: change.former(),
            after: change.object(),
            gone: change.gone,
        }));
    }
}
