//! One reconcile: load, plan, render, apply, record. The key is its only input.

use async_trait::async_trait;
use dcm_store::Error as StoreError;
use dcm_types::documents::Wish;
use dcm_types::{ClusterKey, ConditionStatus};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::conditions::of_removal;
use crate::context::Context;
use crate::drift;
use crate::driver::{Next, Priority, Work};
use crate::error::Error;
use crate::load::{Inputs, load};
use crate::metrics::Metrics;
use crate::record::Ledger;
use crate::reports::{Ran, Reports};
use crate::run::Run;
use crate::subject::Subject;
use crate::{present, removal};

/// The work of the targets' driver.
pub(crate) struct Reconcile {
    pub(crate) context: Arc<Context>,
    pub(crate) metrics: Metrics,
    pub(crate) reports: Arc<Reports>,
}

#[async_trait]
impl Work for Reconcile {
    type Key = Subject;
    type Group = ClusterKey;

    fn group(&self, key: &Subject) -> ClusterKey {
        key.cluster().clone()
    }

    fn jitter(&self) -> f64 {
        self.context.randomness.jitter()
    }

    async fn run(&self, key: Subject, priority: Priority, attempts: u32) -> Next {
        let context = &self.context;
        let started = Instant::now();
        let span = tracing::debug_span!("run", member = %key, ?priority);
        let result = match reconcile(context, &key, priority).instrument(span).await {
            Ok(Some(next)) => Ok(next),
            Ok(None) => {
                self.reports.forget(&key);
                return Next::Done(None);
            }
            Err(error) => Err(error),
        };
        let took = started.elapsed();
        let millis = took.as_millis();
        let ran = Ran {
            at: context.clock.now(),
            took,
            result: result.as_ref().map_or_else(Err, |next| Ok(*next)),
        };
        self.reports.note(&key, &ran);
        let failure = result.as_ref().err().map(Error::category);
        self.metrics.note(&key, took, failure);
        match result {
            // When the gate opens it is nudged.
            Err(Error::Held(why)) => {
                tracing::debug!(member = %key, category = why.category(), "held: the member does not answer");
                Next::Done(None)
            }
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

/// One run; `None` when there is nothing that it could be about.
async fn reconcile(
    context: &Context,
    key: &Subject,
    priority: Priority,
) -> Result<Option<Next>, Error> {
    // Before the wish is read: what rests on it must not be written later than this allows.
    let deadline = Instant::now() + context.config.run_deadline.get();
    let loaded = load(context.store.as_ref(), &context.revisions, key).await?;
    let Some(mut inputs) = loaded else {
        context.empty_looks.forget(key);
        context.going.forget(key);
        return Ok(None);
    };
    if inputs.wish == Wish::Absent && inputs.is_fresh() {
        return settle_absent(context, key, &inputs).await.map(Some);
    }
    if inputs.wish == Wish::Present {
        inputs.mesh = context
            .manifests
            .read(context.store.as_ref(), &inputs)
            .await?;
    }
    let mut ledger = Ledger::open(&inputs);
    let made = match (inputs.wish, &inputs.reservation) {
        // Nothing is written without the namespace being held.
        (Wish::Present, None) => Err(Error::Forgotten {
            cluster: key.cluster().clone(),
        }),
        _ => make(context, key, (priority, deadline), &inputs, &mut ledger).await,
    };
    match made {
        Ok(next) => Ok(Some(next)),
        Err(error) => {
            let error = hold(context, key, error).await;
            let noted = note(context, key, &mut ledger, &error).await;
            match (noted, error) {
                // Whoever waits at the gate is not repeated, so what it has to say must be recorded.
                (Err(store), Error::Held(_)) => Err(store.into()),
                (_, error) => Err(error),
            }
        }
    }
}

async fn make(
    context: &Context,
    key: &Subject,
    (priority, deadline): (Priority, Instant),
    inputs: &Inputs,
    ledger: &mut Ledger,
) -> Result<Next, Error> {
    if let Some(next) = drift::rest(inputs, context.clock.now()) {
        return Ok(next);
    }
    let member = context.registry.open(key.cluster()).await?;
    let cloud = inputs.revision.cloud_uid;
    member.watch_subject(cloud, key, inputs.wish == Wish::Absent);
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
async fn settle_absent(context: &Context, key: &Subject, inputs: &Inputs) -> Result<Next, Error> {
    let store = context.store.as_ref();
    let generation = inputs.revision.generation;
    let release: Vec<_> = inputs.release().into_iter().collect();
    let mut ledger = Ledger::open(inputs);
    if inputs.dropped && (release.is_empty() || inputs.tombstone.is_some()) {
        ledger.remove(store, &release).await?;
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
    // The record of a member that the cloud left goes, too; no scan asks for it again.
    Ok(if inputs.dropped {
        Next::Again
    } else {
        Next::Done(None)
    })
}

/// Shuts the gate when the member as a whole does not answer, and ends the session: only a new one can help.
async fn hold(context: &Context, key: &Subject, error: Error) -> Error {
    if !error.shuts_the_gate() {
        return error;
    }
    let error = Arc::new(error);
    let registry = &context.registry;
    registry.close(key.cluster()).await;
    registry.gates.shut(key.cluster(), Arc::clone(&error));
    Error::Held(error)
}

/// Records why a run failed.
async fn note(
    context: &Context,
    key: &Subject,
    ledger: &mut Ledger,
    error: &Error,
) -> Result<(), StoreError> {
    if matches!(error, Error::Store(_)) || ledger.knows(error) {
        return Ok(());
    }
    ledger.fail(error, context.clock.now());
    match ledger.write(context.store.as_ref(), &mut [], &[]).await {
        Ok(()) => {
            context.tell(key, ledger.target.applied_generation);
            Ok(())
        }
        Err(store) => {
            tracing::warn!(member = %key, error = dcm_types::chain(&store), "cannot record why a run failed");
            Err(store)
        }
    }
}
