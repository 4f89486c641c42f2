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

    /// The namespace, if it is all that a run has to look at now. The next run looks at everything unless
    /// this is remembered again.
    pub(crate) async fn look(&self, run: &Run, inputs: &Inputs) -> Result<Option<Object>, Error> {
        let generation = inputs.revision.generation;
        // What reaches out of the namespace does not go with it, and could come back meanwhile.
        if self.forget(&run.subject) != Some(generation) || inputs.reaches_out() {
            return Ok(None);
        }
        let place = render::namespace_place(&inputs.revision);
        let live = run.calls().get(place).await?;
        if let Some(live) = &live {
            // What was not seen here is no news when it goes.
            run.member.learn(live);
        }
        Ok(live.filter(|live| live.is_terminating() && live.owner() == run.owner))
    }
}
