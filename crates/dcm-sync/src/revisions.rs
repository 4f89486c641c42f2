//! Revisions as last decoded. One with a thousand members is long, and a thousand targets read the same one,
//! several times each. The store is asked each time; only what it holds is not decoded again.

use std::collections::HashMap;
use std::sync::Arc;

use dcm_store::{Error as StoreError, Store};
use dcm_types::Key;
use dcm_types::documents::Revision;
use parking_lot::Mutex;

/// How many are kept; more are many clouds at once, and then each is short or seldom asked for.
const KEPT: usize = 32;

/// Decoded revisions, each with the version of its document.
#[derive(Default)]
pub(crate) struct Revisions(Mutex<HashMap<Key, (u64, Arc<Revision>)>>);

impl Revisions {
    /// The revision of a key.
    pub(crate) async fn read(
        &self,
        store: &dyn Store,
        key: &Key,
    ) -> Result<Option<Arc<Revision>>, StoreError> {
        let Some(stored) = store.get(key).await? else {
            return Ok(None);
        };
        let number = stored.version.number;
        if let Some((known, revision)) = self.0.lock().get(key)
            && *known == number
        {
            return Ok(Some(Arc::clone(revision)));
        }
        let decoded: Revision =
            serde_json::from_str(&stored.body).map_err(|source| StoreError::Decode {
                key: stored.key,
                source,
            })?;
        let decoded = Arc::new(decoded);
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.clone(), (number, Arc::clone(&decoded)));
        Ok(Some(decoded))
    }
}

#[cfg(test)]
mod tests {
    use dcm_store::{Batch, Expect, MemoryStore};
    use dcm_types::documents::Isolation;
    use dcm_types::ports::Clock;
    use dcm_types::{Document as _, Timestamp};

    use super::*;
    use crate::render::fixtures;

    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    #[tokio::test]
    async fn another_document_under_the_same_key_is_decoded_anew() {
        let store = MemoryStore::new(Arc::new(Epoch));
        let mut revision =
            fixtures::revision("6b1f0c1e-0000-4000-8000-000000000001", Isolation::Strict);
        let key = revision.key();
        let revisions = Revisions::default();
        assert!(revisions.read(&store, &key).await.unwrap().is_none());
        let mut seen = Vec::new();
        for expect in [Expect::Absent, Expect::Exists] {
            let mut batch = Batch::new();
            batch.put(&revision, expect).unwrap();
            store.commit(batch).await.unwrap();
            for _ in 0..2 {
                seen.push(revisions.read(&store, &key).await.unwrap().unwrap());
            }
            revision.members.clear();
        }
        assert!(Arc::ptr_eq(&seen[0], &seen[1]));
        assert!(!seen[1].members.is_empty());
        assert!(seen[2].members.is_empty());
    }
}
