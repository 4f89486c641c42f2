//! All labels of a cluster at once, in the commit that writes the cluster.

use std::collections::BTreeSet;

use dcm_store::{Expect, Scope, StoreExt as _};
use dcm_types::documents::ClusterLabel;
use dcm_types::{ClusterKey, ClusterLabelName, Key};

use crate::change::Change;
use crate::cluster_labels::label_of;
use crate::{App, Error};

/// Which labels come and go. They are written without preconditions of their own: the cluster is
/// committed on as untouched, and every write of a label touches it.
pub(super) struct Relabel {
    put: Vec<ClusterLabel>,
    delete: Vec<Key>,
}

impl Relabel {
    /// The labels of a cluster that has none.
    pub(super) fn new(cluster: &ClusterKey, wanted: Option<&BTreeSet<ClusterLabelName>>) -> Self {
        let wanted = wanted.into_iter().flatten();
        Self {
            put: wanted.map(|label| label_of(cluster, label)).collect(),
            delete: Vec::new(),
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.put.is_empty() && self.delete.is_empty()
    }

    pub(super) fn add_to(self, change: &mut Change) -> Result<(), Error> {
        for label in &self.put {
            change.put(label, Expect::Anything)?;
        }
        for key in self.delete {
            change.delete(key, Expect::Anything);
        }
        Ok(())
    }
}

impl App {
    /// What must be done for a cluster to have these labels and no others; without them nothing.
    pub(super) async fn relabel(
        &self,
        cluster: &ClusterKey,
        wanted: Option<&BTreeSet<ClusterLabelName>>,
    ) -> Result<Relabel, Error> {
        let Some(wanted) = wanted else {
            return Ok(Relabel::new(cluster, None));
        };
        let scope = Scope::Under(cluster.path());
        let present: BTreeSet<ClusterLabelName> = self
            .store()
            .read_all::<ClusterLabel>(scope)
            .await?
            .into_iter()
            .map(|found| found.document.label)
            .collect();
        let new = wanted.difference(&present);
        let old = present.difference(wanted);
        Ok(Relabel {
            put: new.map(|label| label_of(cluster, label)).collect(),
            delete: old
                .map(|label| Key::cluster_label(cluster, label))
                .collect(),
        })
    }
}
