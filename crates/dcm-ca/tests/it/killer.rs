//! A process of the controller that is killed at a counted point: just before it writes, just after it wrote, or when its
//! answer is on the way. What it wrote is in the store; what it was about to do is lost.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::{Batch, Change, Committed, Error, Lease, Page, Query, Store, Stored};
use dcm_types::Key;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Where a process can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    BeforeWrite,
    AfterWrite,
    Answer,
}

impl Point {
    pub(crate) const ALL: [Self; 3] = [Self::BeforeWrite, Self::AfterWrite, Self::Answer];
}

/// The store as a process sees it that may be killed.
pub(crate) struct Killer {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    passed: usize,
    next: Option<usize>,
    /// Cancelled: the process of now is dead.
    process: CancellationToken,
    died_at: Option<Point>,
}

impl Killer {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            state: Mutex::default(),
        }
    }

    /// The process is killed at the point after so many more.
    pub(crate) fn kill_after(&self, more: usize) {
        let mut state = self.state.lock();
        state.next = Some(state.passed + more);
    }

    /// It is not killed any more.
    pub(crate) fn spare(&self) {
        self.state.lock().next = None;
    }

    /// How many points were passed.
    pub(crate) fn passed(&self) -> usize {
        self.state.lock().passed
    }

    async fn pass(&self, point: Point) {
        let dead = {
            let mut state = self.state.lock();
            let number = state.passed;
            state.passed += 1;
            if state.next.take_if(|at| *at == number).is_some() {
                state.died_at = Some(point);
                state.process.cancel();
            }
            state.process.is_cancelled()
        };
        if dead {
            pending::<()>().await;
        }
    }

    /// What the process answers; else where it was killed, and the next call is made to another process.
    pub(crate) async fn call<T>(&self, asked: impl Future<Output = T>) -> Result<T, Point> {
        let process = self.state.lock().process.clone();
        let answered = async {
            let answer = asked.await;
            self.pass(Point::Answer).await;
            answer
        };
        tokio::select! {
            biased;
            () = process.cancelled() => Err(self.begin_anew()),
            answer = answered => Ok(answer),
        }
    }

    fn begin_anew(&self) -> Point {
        let mut state = self.state.lock();
        state.process = CancellationToken::new();
        state.died_at.take().unwrap()
    }
}

#[async_trait]
impl Store for Killer {
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
        self.pass(Point::BeforeWrite).await;
        let outcome = self.inner.commit(batch).await;
        self.pass(Point::AfterWrite).await;
        outcome
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.inner.changes()
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        self.inner.lease(name, holder, ttl).await
    }
}
