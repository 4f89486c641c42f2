//! What this process knows of requests with keys: which are running, and about how many answers are kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dcm_types::Key;
use parking_lot::Mutex;

/// The register of a process.
#[derive(Debug, Default)]
pub(crate) struct Register {
    running: Mutex<HashSet<Key>>,
    /// By principal; exact after each sweep.
    kept: Mutex<HashMap<String, usize>>,
}

/// A request that is running; it ends when this is dropped, also when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Running {
    register: Arc<Register>,
    key: Key,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.register.running.lock().remove(&self.key);
    }
}

impl Register {
    /// `None` when one with this key is running.
    pub(super) fn begin(register: &Arc<Self>, key: &Key) -> Option<Running> {
        register
            .running
            .lock()
            .insert(key.clone())
            .then(|| Running {
                register: register.clone(),
                key: key.clone(),
            })
    }

    /// How many answers are kept for a principal, if that was counted.
    pub(super) fn count(&self, principal: &str) -> Option<usize> {
        self.kept.lock().get(principal).copied()
    }

    /// Takes a count, unless there is one by now that went on.
    pub(super) fn count_from(&self, principal: &str, count: usize) -> usize {
        *self
            .kept
            .lock()
            .entry(principal.to_owned())
            .or_insert(count)
    }

    pub(super) fn one_more(&self, principal: &str) {
        if let Some(count) = self.kept.lock().get_mut(principal) {
            *count += 1;
        }
    }

    /// All of them were counted: one entry for each kept answer.
    pub(super) fn counted(&self, principals: Vec<String>) {
        let mut counts = HashMap::new();
        for principal in principals {
            *counts.entry(principal).or_default() += 1;
        }
        let mut kept = self.kept.lock();
        // Who was known stays known, so that nothing has to be read for them again.
        for principal in kept.keys() {
            counts.entry(principal.clone()).or_default();
        }
        *kept = counts;
    }
}
