//! A store that fails as told: before a commit was taken, or after it, when nobody hears of it. Also, something else may
//! happen just before a commit.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::{Batch, Change, Committed, Error, Lease, Page, Query, Store, Stored};
use dcm_types::Key;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parking_lot::Mutex;

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not taken.
    Before,
    /// It is taken, and the caller does not hear of it.
    After,
}

pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
    before: Mutex<Option<BoxFuture<'static, ()>>>,
}

#[derive(Default)]
struct State {
    commits: usize,
    next: Option<(usize, Fault)>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            state: Mutex::default(),
            before: Mutex::default(),
        }
    }

    /// The commit after so many more fails.
    pub(crate) fn fail(&self, after: usize, fault: Fault) {
        let mut state = self.state.lock();
        state.next = Some((state.commits + after, fault));
    }

    /// This happens just before the next commit.
    pub(crate) fn before_next(&self, what: impl Future<Output = ()> + Send + 'static) {
        *self.before.lock() = Some(what.boxed());
    }

    pub(crate) fn commits(&self) -> usize {
        self.state.lock().commits
    }

    fn fault(&self) -> Option<Fault> {
        let mut state = self.state.lock();
        let number = state.commits;
        state.commits += 1;
        let due = state.next.take_if(|(at, _)| *at == number);
        due.map(|(_, fault)| fault)
    }
}

fn broken<T>() -> Result<T, Error> {
    Err(Error::Unavailable {
        doing: "commit",
        source: "the test said so".into(),
    })
}

#[async_trait]
impl Store for FaultyStore {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        self.inner.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        self.inner.get_many(keys).await
    }

    async fn list(&self, query: &Query) -> Result<Page, Error> {
        self.inner.list(query).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let before = self.before.lock().take();
        if let Some(before) = before {
            before.await;
        }
        match self.fault() {
            None => self.inner.commit(batch).await,
            Some(Fault::Before) => broken(),
            Some(Fault::After) => {
                self.inner.commit(batch).await?;
                broken()
            }
        }
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.inner.changes()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        self.inner.lease(name, holder, ttl).await
    }
}
