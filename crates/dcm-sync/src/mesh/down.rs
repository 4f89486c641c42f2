//! The way out of a member, in the reverse order: webhooks and what only the control plane reads, the control plane,
//! its rights in the cluster, and the namespace with everything that is still in it.

use std::collections::BTreeMap;

use dcm_cluster::{Object, Place, Resource};
use futures::future::try_join_all;

use super::Stage;
use super::wish::namespace_place;
use crate::error::Error;
use crate::plan::Observed;
use crate::run::Run;

/// What is ours of what was read.
pub(crate) fn ours(observed: &Observed, owner: &str) -> BTreeMap<Place, Object> {
    let ours = observed.objects.iter();
    ours.filter(|(_, object)| object.owner() == owner)
        .map(|(place, object)| (place.clone(), object.clone()))
        .collect()
}

/// Deletes what is ours, and says what is waited for; `None`: nothing was there but what is deleted now.
pub(crate) async fn take_down(
    run: &Run,
    going: &BTreeMap<Place, Object>,
) -> Result<Option<String>, Error> {
    for stage in Stage::UP.iter().rev() {
        let of_stage = going.iter().filter(|(place, _)| Stage::of(place) == *stage);
        let due: Vec<&Object> = of_stage
            .filter(|(place, object)| !object.is_terminating() && !goes_along(place, going))
            .map(|(_, object)| object)
            .collect();
        try_join_all(due.iter().map(|object| run.delete(object))).await?;
    }
    let mut namespaces = going
        .keys()
        .filter(|place| place.resource == Resource::Namespace);
    Ok(namespaces.next().map(|place| {
        format!(
            "the cluster is deleting the mesh's namespace {}",
            place.name
        )
    }))
}

/// Whether the end of its namespace takes it along. What runs goes before, so that it ends in order.
fn goes_along(place: &Place, going: &BTreeMap<Place, Object>) -> bool {
    let Some(namespace) = &place.namespace else {
        return false;
    };
    matches!(Stage::of(place), Stage::Basis | Stage::Bundle)
        && going.contains_key(&namespace_place(namespace))
}
