//! The members of a cloud as decisions about a reference are taken on them. Pure but for the reading.

use std::collections::BTreeMap;

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{ClusterReference, LogicalCloud};
use dcm_types::drafts::ReferenceDraft;
use dcm_types::{CloudKey, ClusterKey, DocumentKind, Key, ReferenceName};

use crate::change::Change;
use crate::{App, Error};

/// Longest name of a reference.
const NAME_LIMIT: usize = 128;

/// A cloud and its references, as decisions are taken on them.
pub(crate) struct Members {
    pub(super) cloud: Versioned<LogicalCloud>,
    references: BTreeMap<ReferenceName, Versioned<ClusterReference>>,
    by_cluster: BTreeMap<ClusterKey, ReferenceName>,
}

impl App {
    /// The cloud first, then its references.
    pub(super) async fn members_of(&self, cloud: &CloudKey) -> Result<Members, Error> {
        let mut members = Members {
            cloud: self.require_cloud(cloud).await?,
            references: BTreeMap::new(),
            by_cluster: BTreeMap::new(),
        };
        for found in self.store().read_all(Scope::Under(cloud.path())).await? {
            members.insert(found);
        }
        Ok(members)
    }
}

impl Members {
    pub(super) fn insert(&mut self, found: Versioned<ClusterReference>) {
        let (name, cluster) = (&found.document.name, &found.document.cluster);
        self.by_cluster.insert(cluster.clone(), name.clone());
        self.references.insert(name.clone(), found);
    }

    pub(super) fn into_references(self) -> impl Iterator<Item = Versioned<ClusterReference>> {
        self.references.into_values()
    }

    pub(super) fn named(&self, name: &ReferenceName) -> Option<Versioned<ClusterReference>> {
        self.references.get(name).cloned()
    }

    pub(super) fn of_cluster(&self, cluster: &ClusterKey) -> Option<Versioned<ClusterReference>> {
        self.named(self.by_cluster.get(cluster)?)
    }

    pub(super) fn require_of(
        &self,
        cluster: &ClusterKey,
    ) -> Result<Versioned<ClusterReference>, Error> {
        self.of_cluster(cluster).ok_or_else(|| {
            let key = Key::of_cluster(DocumentKind::ClusterReference, cluster);
            let cloud = &self.cloud.document.key.cloud;
            let described =
                format!("a reference of logical cloud '{cloud}' to cluster '{cluster}'");
            Error::missing(&key, &described)
        })
    }

    /// Refuses a second reference to a cluster; `but` is the one that is written.
    pub(super) fn refuse_second(
        &self,
        cluster: &ClusterKey,
        but: Option<&ReferenceName>,
    ) -> Result<(), Error> {
        match self.of_cluster(cluster) {
            Some(other) if Some(&other.document.name) != but => Err(Error::conflict(format!(
                "cluster '{cluster}' is referenced by '{}' already",
                other.document.name
            ))
            .hint("change or delete that reference; a logical cloud references a cluster once")),
            _ => Ok(()),
        }
    }

    /// A change that holds only while nothing of the cloud changed since it was read.
    pub(super) fn untouched(&self) -> Change {
        let mut change = Change::new();
        let key = Key::cloud(&self.cloud.document.key);
        change.assert(key, Expect::Untouched(self.cloud.version));
        change
    }
}

/// What may change of a reference: everything but its cluster.
pub(super) fn changed(
    present: &ClusterReference,
    draft: &ReferenceDraft,
) -> Result<ClusterReference, Error> {
    if present.cluster != draft.cluster {
        return Err(Error::conflict(format!(
            "cluster reference '{}' names cluster '{}', and that cannot change",
            present.name, present.cluster
        ))
        .hint("delete the reference and create another one"));
    }
    Ok(ClusterReference {
        metadata: draft.metadata.clone(),
        load_balancer_address: draft.load_balancer_address,
        ..present.clone()
    })
}

/// `provider-cluster`, shortened and numbered until it is free.
pub(crate) fn name_from_cluster(
    cluster: &ClusterKey,
    taken: impl Fn(&ReferenceName) -> bool,
) -> ReferenceName {
    let whole = format!("{}-{}", cluster.provider, cluster.cluster);
    (1_u32..)
        .find_map(|number| {
            let suffix = if number == 1 {
                String::new()
            } else {
                format!("-{number}")
            };
            let room = NAME_LIMIT - suffix.len();
            let readable = whole[..whole.len().min(room)].trim_end_matches(['-', '_', '.']);
            let name = ReferenceName::parse(&format!("{readable}{suffix}"))
                .expect("names joined and cut at a letter or digit are a name");
            (!taken(&name)).then_some(name)
        })
        .expect("a cloud has fewer references than there are numbers")
}
