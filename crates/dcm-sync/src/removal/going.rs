//! Namespaces that were asked to go: until they have, one read tells all that there is to know.
//!
//! The cluster empties a namespace before it lets it go, and tells of each step. Reading everything of ours
//! each time would use up the calls that other removals in the same cluster need.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::error::Error;
use crate::load::Inputs;
use crate::render;
use crate::run::Run;
use crate::subject::Subject;
use dcm_cluster::Object;

/// Subjects of which this process deleted everything at a generation, up to the namespace that is going.
#[derive(Default)]
pub(crate) struct Going(Mutex<HashMap<Subject, u64>>);

impl Going {
    /// Everything was deleted at this generation, and the namespace is not gone yet.
    pub(crate) fn remember(&self, key: &Subject, generation: u64) {
        self.0.lock().insert(key.clone(), generation);
    }

    /// What was remembered of it, which is not any more.
    pub(crate) fn forget(&self, key: &Subject) -> Option<u64> {
        self.0.lock().remove(key)
    }

    /// Looks at the namespace first, if that may be all that a run has to look at. The next run looks at
    /// everything unless this is remembered again.
    pub(crate) async fn look(&self, run: &Run, inputs: &Inputs) -> Result<Namespace, Error> {
        let generation = inputs.revision.generation;
        // What reaches out of the namespace, as its mesh does, does not go with it, and could come back meanwhile.
        if self.forget(&run.subject) != Some(generation)
            || inputs.reaches_out()
            || inputs.may_have_mesh().is_some()
        {
            return Ok(Namespace::Unknown);
        }
        let place = render::namespace_place(&inputs.revision);
        let Some(live) = run.calls().get(place).await? else {
            return Ok(Namespace::Gone);
        };
        // What was not seen here is no news when it goes.
        run.member.learn(&live);
        if live.is_terminating() && live.owner() == run.owner {
            return Ok(Namespace::Going(Box::new(live)));
        }
        Ok(Namespace::Unknown)
    }
}

/// What is known of a namespace before anything else is looked at.
pub(crate) enum Namespace {
    /// This process deleted everything up to it, and it is not gone yet.
    Going(Box<Object>),
    /// This process deleted everything up to it, and it has gone, with everything in it.
    Gone,
    /// Nothing.
    Unknown,
}
