//! One `dcm serve` at a time on a store, also where the store itself lets several in: a lease that is renewed.
//!
//! What the parts promise to each other (one run per key at a time, kept answers, counts of requests) is kept within
//! one process. The lease saves work and confusion; that nothing goes back in a member rests on its anchor.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use dcm_store::Store;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const NAME: &str = "dcm-serve";
/// How long a process that died keeps others out.
const TTL: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(3);
/// How often a lease of somebody else is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The lease, and the task that keeps it.
pub(crate) struct Occupancy {
    task: JoinHandle<anyhow::Result<()>>,
    over: CancellationToken,
}

impl Occupancy {
    /// Takes the store, waiting for a process that died; refuses one that somebody else keeps. Cancels the token when
    /// somebody else has taken it all the same.
    pub(crate) async fn take(
        store: Arc<dyn Store>,
        cancellation: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let holder = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let began = Instant::now();
        let doing = "take the store for this process";
        while store
            .lease(NAME, &holder, TTL)
            .await
            .context(doing)?
            .is_none()
        {
            if began.elapsed() > TTL + RENEWAL {
                bail!("another `dcm serve` uses this store; end it first");
            }
            tracing::debug!("another process has the store, or had it a moment ago");
            tokio::time::sleep(LOOK).await;
        }
        let over = CancellationToken::new();
        let keeping = keep(store, holder, cancellation.clone(), over.clone());
        let task = tokio::spawn(keeping);
        Ok(Self { task, over })
    }

    /// Gives the store up; an error when it was lost before.
    pub(crate) async fn give_up(self) -> anyhow::Result<()> {
        self.over.cancel();
        self.task.await.context("keep the store for this process")?
    }
}

async fn keep(
    store: Arc<dyn Store>,
    holder: String,
    cancellation: CancellationToken,
    over: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = over.cancelled() => {
                // It ends by itself when this does not work.
                let _ = store.lease(NAME, &holder, Duration::ZERO).await;
                return Ok(());
            }
            () = tokio::time::sleep(RENEWAL) => {}
        }
        match store.lease(NAME, &holder, TTL).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                cancellation.cancel();
                bail!(
                    "another `dcm serve` has taken the store, because this one did not renew its lease in time"
                );
            }
            Err(error) => {
                let error = dcm_types::chain(&error);
                tracing::warn!(error, "the lease of the store was not renewed; tried again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dcm_store::MemoryStore;

    use super::*;
    use crate::system::SystemClock;

    fn store() -> Arc<dyn Store> {
        // Its clock stands beside that of the runtime: leases last as long as the test.
        Arc::new(MemoryStore::new(Arc::new(SystemClock)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_somebody_keeps_is_refused_until_it_is_given_up() {
        let store = store();
        let token = CancellationToken::new();
        let kept = Occupancy::take(Arc::clone(&store), &token).await.unwrap();
        let refused = Occupancy::take(Arc::clone(&store), &token).await;
        let refused = refused.err().unwrap().to_string();
        assert!(
            refused.contains("another `dcm serve` uses this store"),
            "{refused}"
        );
        kept.give_up().await.unwrap();
        Occupancy::take(store, &token).await.unwrap();
        assert!(!token.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn who_lost_the_store_ends() {
        let store = store();
        let token = CancellationToken::new();
        let holder = "one".to_owned();
        store.lease(NAME, "another", TTL).await.unwrap();
        let over = CancellationToken::new();
        let lost = keep(store, holder, token.clone(), over).await.unwrap_err();
        assert!(lost.to_string().contains("has taken the store"), "{lost}");
        assert!(token.is_cancelled());
    }
}
