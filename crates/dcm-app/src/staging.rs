//! Use cases on a store that gathers what they commit ([`dcm_store::StagedStore`]), with a synchronizer
//! that is told later: a nudge that came before the commit would find no work.
//!
//! A staged batch is checked as a commit checks it, so a use case is refused here for what it would be
//! refused for there, and tells it in its own words. What is left is a race between this and the commit
//! proper: whoever stages begins the whole again on a new stage, since this one keeps what it has read.

use std::sync::Arc;

use async_trait::async_trait;
use dcm_store::StagedStore;
use dcm_types::ports::{Nudge, PortError, StatusChange, Synchronizer};
use futures::stream::BoxStream;
use parking_lot::Mutex;

use crate::{App, Error};

/// A stage.
pub(crate) struct Staging {
    app: App,
    store: Arc<StagedStore>,
    nudges: Arc<HeldNudges>,
    behind: App,
}

impl App {
    /// An empty stage before this application. Stages may stand before one another.
    pub(crate) fn stage(&self) -> Staging {
        let mut salt = [0; 8];
        self.random(&mut salt);
        let (store, synchronizer) = self.behind();
        let store = Arc::new(StagedStore::over(store, u64::from_le_bytes(salt)));
        let nudges = Arc::new(HeldNudges {
            behind: synchronizer,
            held: Mutex::default(),
        });
        Staging {
            app: self.with(store.clone(), nudges.clone()),
            store,
            nudges,
            behind: self.clone(),
        }
    }
}

impl Staging {
    /// The use cases: what they change is staged, and whom they would tell is told later.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn store(&self) -> &StagedStore {
        &self.store
    }

    /// Whether everything that was read is still so: a refusal that rests on what others changed
    /// meanwhile is none.
    pub(crate) async fn is_current(&self) -> Result<bool, Error> {
        Ok(self.store.is_current().await?)
    }

    /// Passes on what the synchronizer was to be told; after the commit.
    pub(crate) async fn nudge(&self) {
        let nudges = std::mem::take(&mut *self.nudges.held.lock());
        for nudge in nudges {
            self.behind.nudge(nudge).await;
        }
    }
}

/// Nudges that wait for the commit, each of them once.
struct HeldNudges {
    behind: Arc<dyn Synchronizer>,
    held: Mutex<Vec<Nudge>>,
}

#[async_trait]
impl Synchronizer for HeldNudges {
    async fn nudge(&self, nudge: Nudge) -> Result<(), PortError> {
        let mut held = self.held.lock();
        if !held.contains(&nudge) {
            held.push(nudge);
        }
        Ok(())
    }

    fn status_changes(&self) -> BoxStream<'static, StatusChange> {
        self.behind.status_changes()
    }
}
