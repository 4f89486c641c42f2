//! Apply: a list of entries, created or replaced in one commit, or refused as a whole.
//!
//! The use cases of the single calls run one after the other on a store that gathers what they commit
//! (`staging`), each seeing what the earlier ones left behind; then all of it is
//! committed at once, with the audit record of each. So there is no second set of rules. Entries are
//! taken in the order of what depends on what, whatever their order in the list; actions come last.
//!
//! Invariants: nothing is told or nudged before the commit. A refusal is of documents that were not
//! changed by others meanwhile; else, as after a lost race at the commit, everything is decided again.

mod refusals;
mod stage;
mod steps;

use std::collections::BTreeMap;

use dcm_types::{Entry, Key, Kind};

use crate::settle::settle;
use crate::{Accepted, App, Error, Principal};
use refusals::Refusals;
use stage::{Done, Stage};
use steps::{Step, refuse_repeated, steps_of};

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The document; of an action, the logical cloud.
    pub key: Key,
    /// What was done.
    pub outcome: Outcome,
    /// Its version, unless it is one that a dry run did not make.
    pub version: Option<u64>,
}

/// What was done for an entry, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It was another one.
    Updated,
    /// It was so already.
    Unchanged,
    /// An action was accepted.
    Accepted(Accepted),
}

/// Whether an apply is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It is.
    Real,
    /// Everything is decided, and nothing written.
    Dry,
}

impl App {
    /// Applies entries, all of them or none; the answer is in their order.
    pub async fn apply(
        &self,
        who: &Principal,
        entries: Vec<Entry>,
        run: Run,
    ) -> Result<Vec<Applied>, Error> {
        let count = entries.len();
        let steps = steps_of(entries);
        refuse_repeated(&steps)?;
        settle(async || Box::pin(self.attempt(who, &steps, count, run)).await).await
    }

    async fn attempt(
        &self,
        who: &Principal,
        steps: &[Step],
        count: usize,
        run: Run,
    ) -> Result<Vec<Applied>, Error> {
        let mut stage = Stage::over(self);
        let mut refusals = Refusals::default();
        let mut outcomes: BTreeMap<usize, Done> = BTreeMap::new();
        for step in steps {
            if step.is_action() && !refusals.is_empty() {
                break;
            }
            match stage.take(who, &step.entry).await {
                Ok(done) => merge(&mut outcomes, step.index, done),
                Err(error) if error.is_raced() => return Err(error),
                Err(error) if is_ours(error.kind) => return Err(error),
                Err(error) => refusals.add(step, error),
            }
        }
        if !refusals.is_empty() {
            stage.confirm().await?;
            return Err(refusals.into_error(count));
        }
        let versions = match run {
            Run::Real => stage.commit().await?,
            Run::Dry => BTreeMap::new(),
        };
        let applied = outcomes.into_values().map(|done| Applied {
            version: match versions.get(&done.key) {
                Some(version) => Some(*version),
                None => (!stage.writes(&done.key)).then_some(done.version),
            },
            key: done.key,
            outcome: done.outcome,
        });
        Ok(applied.collect())
    }
}

/// What is no refusal of an entry.
fn is_ours(kind: Kind) -> bool {
    matches!(kind, Kind::Internal | Kind::Unavailable)
}

/// The parts of a document count as changes of it.
fn merge(outcomes: &mut BTreeMap<usize, Done>, index: usize, done: Done) {
    match outcomes.get_mut(&index) {
        None => {
            outcomes.insert(index, done);
        }
        Some(whole) if whole.outcome == Outcome::Unchanged => {
            if done.outcome != Outcome::Unchanged {
                whole.outcome = Outcome::Updated;
            }
        }
        Some(_) => {}
    }
}
