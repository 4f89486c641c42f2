//! A member between a run and the real one, for tests: counts every call, fails the ones that a test
//! names before or after they took effect, and lets a test act at that very moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_pki::kubeconfig::AdminCredential;
use dcm_types::documents::Cluster;
use parking_lot::Mutex;

use crate::{Answer, Call, CallError, CallErrorKind, ClusterApi, Connector, Resource, WatchStream};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes through.
    Pass,
    /// It is never sent.
    FailBefore(CallErrorKind),
    /// It takes effect, and its answer is lost.
    FailAfter(CallErrorKind),
    /// It takes effect twice.
    Repeat,
    /// It takes effect, and its answer comes so much later.
    AnswerLate(Duration),
}

/// Decides about each call; the number counts the calls of all members, from 0.
pub type Judge = dyn Fn(usize, &Call) -> Verdict + Send + Sync;

/// What went through.
#[derive(Default)]
pub struct Ledger {
    calls: Mutex<Vec<Call>>,
    judge: Mutex<Option<Arc<Judge>>>,
}

impl Ledger {
    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    /// Names of the calls so far that can change something.
    pub fn mutations(&self) -> Vec<String> {
        self.calls
            .lock()
            .iter()
            .filter(|call| call.mutates())
            .map(Call::name)
            .collect()
    }

    /// Forgets the calls so far.
    pub fn clear(&self) {
        self.calls.lock().clear();
    }

    /// Sets who decides from now on; `None`: everything passes.
    pub fn judge(&self, judge: Option<Arc<Judge>>) {
        *self.judge.lock() = judge;
    }

    fn decide(&self, call: &Call) -> Verdict {
        let index = {
            let mut calls = self.calls.lock();
            calls.push(call.clone());
            calls.len() - 1
        };
        let judge = self.judge.lock().clone();
        judge.map_or(Verdict::Pass, |judge| judge(index, call))
    }
}

/// A connector whose members are meddled with.
pub struct MeddlingConnector<C> {
    inner: C,
    ledger: Arc<Ledger>,
}

impl<C> MeddlingConnector<C> {
    /// Wraps a connector.
    pub fn new(inner: C, ledger: Arc<Ledger>) -> Self {
        Self { inner, ledger }
    }
}

#[async_trait]
impl<C: Connector> Connector for MeddlingConnector<C> {
    async fn connect(
        &self,
        cluster: &Cluster,
        credential: &AdminCredential,
    ) -> Result<Arc<dyn ClusterApi>, CallError> {
        let inner = self.inner.connect(cluster, credential).await?;
        Ok(Arc::new(Meddling {
            inner,
            ledger: Arc::clone(&self.ledger),
        }))
    }
}

struct Meddling {
    inner: Arc<dyn ClusterApi>,
    ledger: Arc<Ledger>,
}

#[async_trait]
impl ClusterApi for Meddling {
    async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let failed = |kind| CallError::new(kind, call.name(), "meddled with");
        match self.ledger.decide(&call) {
            Verdict::Pass => self.inner.call(call).await,
            Verdict::FailBefore(kind) => Err(failed(kind)),
            Verdict::FailAfter(kind) => {
                let error = failed(kind);
                self.inner.call(call).await?;
                Err(error)
            }
            Verdict::Repeat => {
                let first = self.inner.call(call.clone()).await;
                // The member saw it twice; the caller sees the first answer.
                drop(self.inner.call(call).await);
                first
            }
            Verdict::AnswerLate(delay) => {
                let answer = self.inner.call(call).await;
                tokio::time::sleep(delay).await;
                answer
            }
        }
    }

    async fn watch(
        &self,
        resource: Resource,
        selector: &str,
        resource_version: &str,
    ) -> Result<WatchStream, CallError> {
        self.inner.watch(resource, selector, resource_version).await
    }
}
