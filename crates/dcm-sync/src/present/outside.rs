//! What a privileged cloud has outside of its own namespace: read first, and held back where we may not
//! look or where the namespace is not fit. Namespaces of others are never made, and never ours.
//!
//! What is held back is no part of the wish of this run: what is there of it goes, and nothing waits for it.
//! A later run finds the namespace, or the right, when it has come.

use std::collections::BTreeMap;

use dcm_types::NamespaceName;
use dcm_types::documents::ObjectState;
use futures::future::try_join_all;

use crate::error::Error;
use crate::load::Inputs;
use crate::plan::Observed;
use crate::render::{self, Wanted};
use crate::run::{Outcome, Run};
use dcm_cluster::{CallError, CallErrorKind, Object};

/// What was read outside.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) observed: Observed,
    /// We may not even look: nothing of it was ever written, and nothing is.
    forbidden: Option<CallError>,
    /// Namespaces in which nothing can be, with reason and message.
    unfit: BTreeMap<String, (&'static str, String)>,
}

/// Reads what is outside, if anything is wished there or may have been left there.
pub(super) async fn look(run: &Run, inputs: &Inputs) -> Result<Outside, Error> {
    let slice = &inputs.revision.slice;
    let reached = inputs.reaches_out();
    if !slice.is_privileged() && !reached {
        return Ok(Outside::default());
    }
    let names = slice.other_namespaces();
    let observed = match run.observe_outside().await {
        Ok(mut observed) => {
            // The rights of the mesh are read with the mesh.
            observed
                .objects
                .retain(|place, _| !inputs.is_of_mesh(place));
            observed
        }
        Err(error) if error.kind == CallErrorKind::Forbidden && !reached => {
            return Ok(Outside {
                forbidden: Some(error),
                ..Outside::default()
            });
        }
        Err(error) => return Err(error.into()),
    };
    let calls = run.calls();
    let namespaces = names
        .iter()
        .map(|name| calls.get(render::place_of_namespace(name)));
    let found = try_join_all(namespaces).await?;
    let unfit = names
        .into_iter()
        .zip(found)
        .filter_map(|(name, found)| Some((name.to_string(), unfit(run, name, found.as_ref())?)))
        .collect();
    Ok(Outside {
        observed,
        forbidden: None,
        unfit,
    })
}

/// Why nothing of ours can be in a namespace.
fn unfit(
    run: &Run,
    name: &NamespaceName,
    found: Option<&Object>,
) -> Option<(&'static str, String)> {
    let Some(found) = found else {
        let message = format!("there is no namespace {name} in the cluster");
        return Some(("NamespaceMissing", message));
    };
    let owner = found.owner();
    if !owner.is_empty() && owner != run.owner {
        let message = format!("namespace {name} belongs to another logical cloud");
        return Some(("Conflict", message));
    }
    found.is_terminating().then(|| {
        (
            "NamespaceMissing",
            format!("namespace {name} is being deleted"),
        )
    })
}

impl Outside {
    /// Whether roles and bindings outside can be read, and so be watched.
    pub(super) fn is_readable(&self) -> bool {
        self.forbidden.is_none()
    }

    /// What is held back, and why; the rest stays wished.
    pub(super) fn hold_back(&self, inputs: &Inputs, wanted: &mut Vec<Wanted>) -> Vec<Outcome> {
        let mut held = Vec::new();
        wanted.retain(|wanted| match self.reason(inputs, wanted) {
            Some((reason, message)) => {
                let blocked = Outcome::of(wanted, ObjectState::Blocked, reason);
                held.push(blocked.says(message));
                false
            }
            None => true,
        });
        held
    }

    fn reason(&self, inputs: &Inputs, wanted: &Wanted) -> Option<(&'static str, String)> {
        if !render::is_outside(&inputs.revision, &wanted.place) {
            return None;
        }
        if let Some(error) = &self.forbidden {
            return Some(("Forbidden", error.message.clone()));
        }
        let namespace = wanted.place.namespace.as_ref()?;
        self.unfit.get(namespace).cloned()
    }
}
