//! What may be there of a mesh because of us: the inventory says it, also of a cloud that is gone.

use std::collections::BTreeSet;

use dcm_cluster::{Place, Resource};
use dcm_types::documents::{ObjectIdentity, Target};

use super::{holds, secret};

/// Meshes that may be there. There is one; but what an inventory holds is what counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Their names: the namespaces of their bundles, which every mesh has.
    pub(crate) names: BTreeSet<String>,
    /// What kinds of objects they may have.
    pub(crate) kinds: BTreeSet<Resource>,
}

impl Left {
    /// What the inventory of a target holds; `None`: nothing.
    pub(crate) fn of(target: Option<&Target>) -> Option<Self> {
        let inventory = target.map(|target| target.inventory.as_slice());
        let inventory = inventory.unwrap_or_default();
        let is_bundle = |object: &&ObjectIdentity| {
            object.kind == Resource::Secret.kind() && object.name == secret::NAME
        };
        let bundles = inventory.iter().filter(is_bundle);
        let names: BTreeSet<String> = bundles
            .filter_map(|object| object.namespace.clone())
            .collect();
        if names.is_empty() {
            return None;
        }
        let places = inventory.iter().filter_map(place_of);
        let kinds = places
            .filter(|place| names.iter().any(|name| holds(name, place)))
            .map(|place| place.resource)
            .collect();
        Some(Self { names, kinds })
    }

    /// The identities in an inventory that are of these meshes.
    pub(crate) fn identities(&self, inventory: &[ObjectIdentity]) -> Vec<ObjectIdentity> {
        let of_them = |object: &&ObjectIdentity| {
            place_of(object).is_some_and(|place| self.names.iter().any(|name| holds(name, &place)))
        };
        inventory.iter().filter(of_them).cloned().collect()
    }
}

fn place_of(object: &ObjectIdentity) -> Option<Place> {
    let resource = Resource::of_kind(&object.kind).filter(|one| one.group() == object.group)?;
    Some(Place {
        resource,
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    })
}
