//! What a removal reads: no more than what it needs to know next.
//!
//! A namespace of ours takes what is in it along, but for what opens something, which goes before. So the rest
//! is listed only where there is no such namespace: then it is either what shows that nothing is left, or it
//! has to be deleted one by one.

use super::going::Namespace;
use crate::error::Error;
use crate::load::Inputs;
use crate::plan::Observed;
use crate::render;
use crate::run::{IN_NAMESPACE, Run};
use dcm_cluster::{Object, Resource};
use futures::future::{try_join, try_join3};

/// Reads what is left of a slice, and the anchor after it; refuses when the anchor is ahead.
pub(super) async fn at_what_is_left(
    run: &Run,
    inputs: &Inputs,
    namespace: &Namespace,
) -> Result<Observed, Error> {
    let revision = &inputs.revision;
    let mut objects = match namespace {
        // Nothing can be in a namespace that is not there.
        Namespace::Gone => run.list_apart(inputs).await?,
        Namespace::Going(_) | Namespace::Unknown => at_everything(run, inputs).await?,
    };
    let mut observed = Observed::default();
    if inputs.reaches_out() {
        observed = run.observe_outside().await?;
        // The rights of the mesh are read with the mesh.
        observed
            .objects
            .retain(|place, _| !inputs.is_of_mesh(place));
    }
    objects.extend(run.refuse_if_overtaken(revision).await?);
    observed.objects.extend(run.take_in(objects).objects);
    Ok(observed)
}

async fn at_everything(run: &Run, inputs: &Inputs) -> Result<Vec<Object>, Error> {
    let revision = &inputs.revision;
    let calls = run.calls();
    let (bindings, others): (Vec<Resource>, Vec<Resource>) =
        IN_NAMESPACE.into_iter().partition(|one| one.is_binding());
    let namespace = calls.get(render::namespace_place(revision));
    let opening = run.list_in_namespace(revision, &bindings);
    let apart = run.list_apart(inputs);
    let (mut namespace, mut opening, apart) = try_join3(namespace, opening, apart).await?;
    let goes_along = namespace.as_ref().is_some_and(|n| n.owner() == run.owner);
    let mut rest = Vec::new();
    if !goes_along {
        rest = run.list_in_namespace(revision, &others).await?;
    }
    if namespace.is_none() && !rest.is_empty() {
        // A run of an older wish made it meanwhile, and maybe what opens something, too.
        let place = render::namespace_place(revision);
        let again = run.list_in_namespace(revision, &bindings);
        (namespace, opening) = try_join(calls.get(place), again).await?;
    }
    let all = namespace
        .into_iter()
        .chain(opening)
        .chain(apart)
        .chain(rest);
    Ok(all.collect())
}
