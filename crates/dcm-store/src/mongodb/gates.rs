//! Commits of this process that name the same document go one after the other.
//!
//! The server would find their conflict too, but only by refusing all but one, each of which then begins anew. It
//! saves work only: other processes are not asked.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use dcm_types::Key;
use tokio::sync::{Mutex, MutexGuard};

/// More than commits that run at once; documents that share a gate by chance wait for no reason.
const GATES: usize = 256;

/// A fixed number of locks, each for the documents whose hash falls on it.
pub(super) struct Gates {
    gates: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            gates: (0..GATES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Gates {
    /// Waits for the gates of all keys, always in the same order, so that nobody waits for each other.
    pub(super) async fn pass<'a>(
        &self,
        keys: impl Iterator<Item = &'a Key>,
    ) -> Vec<MutexGuard<'_, ()>> {
        let places: BTreeSet<usize> = keys.map(|key| self.place(key)).collect();
        let mut passed = Vec::with_capacity(places.len());
        for place in places {
            passed.push(self.gates[place].lock().await);
        }
        passed
    }

    fn place(&self, key: &Key) -> usize {
        let hash = self.hasher.hash_one(key) % GATES as u64;
        usize::try_from(hash).expect("it is smaller than the number of gates")
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::DocumentKind;
    use futures::FutureExt;

    use super::*;

    fn key(path: &str) -> Key {
        Key::from_stored(DocumentKind::Project, path.to_owned())
    }

    #[tokio::test]
    async fn only_who_names_the_same_document_waits() {
        let gates = Gates::default();
        let (one, same) = (key("a"), key("a"));
        let other = ["b", "c", "d"].map(key);
        let other = other
            .iter()
            .find(|other| gates.place(other) != gates.place(&one));
        let first = gates.pass([&one].into_iter()).await;
        assert!(gates.pass([&same].into_iter()).now_or_never().is_none());
        assert!(gates.pass(other.into_iter()).now_or_never().is_some());
        drop(first);
        // The same gate twice is one gate.
        assert_eq!(gates.pass([&one, &same].into_iter()).await.len(), 1);
    }
}
