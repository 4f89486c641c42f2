//! One reconcile: load, plan, render, apply, record. The key is its only input.

use async_trait::async_trait;
use dcm_types::documents::Wish;
use dcm_types::{ClusterKey, ConditionStatus, TargetKey};
use std::sync::Arc;
use tokio::time::Instant;

use crate::conditions::of_removal;
use crate::context::Context;
use crate::driver::{Next, Priority, Work};
use crate::error::Error;
use crate::load::{Inputs, load};
use crate::metrics::Metrics;
use crate::record::Ledger;
use crate::run::Run;
use crate::{present, removal};
use dcm_cluster::CallErrorKind;

/// The work of the targets' driver.
pub(crate) struct Reconcile {
    pub(crate) context: Arc<Context>,
    pub(crate) metrics: Metrics,
}

#[async_trait]
impl Work for Reconcile {
    type Key = TargetKey;
    type Group = ClusterKey;

    fn group(&self, key: &TargetKey) -> ClusterKey {
        key.cluster.clone()
    }

    fn jitter(&self) -> f64 {
        self.context.randomness.jitter()
    }

    async fn run(&self, key: TargetKey, priority: Priority, attempts: u32) -> Next {
        let context = &self.context;
        let started = Instant::now();
        let result = reconcile(context, &key, priority).await;
        let took = started.elapsed();
        let millis = took.as_millis();
        let failure = result.as_ref().err().map(Error::category);
        self.metrics.note(&key, took, failure);
        match result {
            Ok(next) => {
                tracing::debug!(member = %key, ?priority, millis, ?next, "run ended");
                next
            }
            Err(error) => {
                tracing::warn!(member = %key, attempts, millis, category = error.category(), error = dcm_types::chain(&error), "run failed");
                Next::Failed(retry_after(&error))
            }
        }
    }
}

/// What the member said about when to come back.
fn retry_after(error: &Error) -> Option<std::time::Duration> {
    match error {
        Error::Call(error) => error.retry_after,
        _ => None,
    }
}

async fn reconcile(context: &Context, key: &TargetKey, priority: Priority) -> Result<Next, Error> {
    // Before the wish is read: what rests on it must not be written later than this allows.
    let deadline = Instant::now() + context.config.run_deadline.get();
    let Some(inputs) = load(context.store.as_ref(), key).await? else {
        return Ok(Next::Done(None));
    };
    if inputs.wish == Wish::Absent && inputs.is_fresh() {
        return settle_absent(context, key, &inputs).await;
    }
    let mut ledger = Ledger::open(key, &inputs);
    match make(context, key, (priority, deadline), &inputs, &mut ledger).await {
        Ok(next) => Ok(next),
        Err(error) => {
            note(context, key, &mut ledger, &error).await;
            Err(error)
        }
    }
}

async fn make(
    context: &Context,
    key: &TargetKey,
    (priority, deadline): (Priority, Instant),
    inputs: &Inputs,
    ledger: &mut Ledger,
) -> Result<Next, Error> {
    let member = context.registry.open(&key.cluster).await?;
    let cloud = inputs.revision.cloud_uid;
    member.watch_target(cloud, key, inputs.wish == Wish::Absent);
    member.ensure_watching(&context.config);
    let run = Run::new(key.clone(), cloud, member, priority, deadline);
    match inputs.wish {
        Wish::Present => present::make(context, &run, inputs, ledger).await,
        Wish::Absent => removal::make(context, &run, inputs, ledger).await,
    }
}

/// Nothing was ever written, or nothing is left: that is recorded for the newer wish, and a reservation
/// that is still held is released. The target is written in the same commit, so that a run which began
/// under an older wish cannot begin to write: it would have to write the target first.
async fn settle_absent(context: &Context, key: &TargetKey, inputs: &Inputs) -> Result<Next, Error> {
    let store = context.store.as_ref();
    let generation = inputs.revision.generation;
    let release: Vec<_> = inputs.release().into_iter().collect();
    let mut ledger = Ledger::open(key, inputs);
    if inputs.dropped && release.is_empty() {
        ledger.remove(store, &[]).await?;
        return Ok(Next::Done(None));
    }
    if ledger.target.applied_generation == Some(generation) && release.is_empty() {
        return Ok(Next::Done(None));
    }
    let target = &mut ledger.target;
    target.applied_generation = Some(generation);
    target.last_error = None;
    target.check_at = None;
    target.conditions = of_removal(
        ConditionStatus::True,
        "Absent",
        "nothing is left",
        &target.conditions,
        context.clock.now(),
    );
    ledger.write(store, &mut [], &release).await?;
    context.tell(key, Some(generation));
    Ok(Next::Done(None))
}

/// Records why a run failed, and ends the session where only a new one can help.
async fn note(context: &Context, key: &TargetKey, ledger: &mut Ledger, error: &Error) {
    if let Error::Call(call) = error
        && matches!(call.kind, CallErrorKind::Unauthorized | CallErrorKind::Tls)
    {
        context.registry.close(&key.cluster).await;
    }
    if matches!(error, Error::Store(_)) {
        return;
    }
    ledger.fail(error, context.clock.now());
    match ledger.write(context.store.as_ref(), &mut [], &[]).await {
        Ok(()) => context.tell(key, ledger.target.applied_generation),
        Err(store) => {
            tracing::warn!(member = %key, error = dcm_types::chain(&store), "cannot record why a run failed");
        }
    }
}
