//! The conformance suite on the SQLite backend.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::conformance::{ManualClock, Subject};
use dcm_store::{SqliteStore, Store};
use tempfile::TempDir;

struct OnDisk {
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

#[async_trait]
impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

#[expect(
    clippy::unused_async,
    reason = "the suite lets a backend take its time"
)]
async fn fresh() -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let store = SqliteStore::open(&folder.path().join("store.db"), clock.clone()).unwrap();
    OnDisk {
        store: Arc::new(store),
        clock,
        _folder: folder,
    }
}

dcm_store::conformance_suite!(fresh);
