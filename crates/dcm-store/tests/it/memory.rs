//! The conformance suite on the in-memory backend.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::conformance::{ManualClock, Subject};
use dcm_store::{MemoryStore, Store};

struct InMemory {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Subject for InMemory {
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
async fn fresh() -> InMemory {
    let clock = ManualClock::new();
    InMemory {
        store: Arc::new(MemoryStore::new(clock.clone())),
        clock,
    }
}

dcm_store::conformance_suite!(fresh);
