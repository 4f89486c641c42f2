//! Lists of clusters: all of a provider, or those that are selected by their labels.

use std::collections::{BTreeMap, BTreeSet};

use dcm_store::{Scope, StoreExt as _};
use dcm_types::documents::{Cluster, ClusterLabel};
use dcm_types::selector::LabelSelector;
use dcm_types::{ClusterKey, ClusterLabelName, ProviderName};

use super::ClusterDetail;
use crate::{App, Error, Listed, PageRequest, Principal, Saved};

/// Which clusters of a provider are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterFilter {
    /// Those that have this label.
    pub label: Option<ClusterLabelName>,
    /// Those whose labels are selected; a label of a cluster has the empty value.
    pub selector: LabelSelector,
}

impl ClusterFilter {
    fn selects(&self, labels: &BTreeSet<ClusterLabelName>) -> bool {
        let value = |key: &str| {
            let has = labels.iter().any(|label| label.as_str() == key);
            has.then_some("")
        };
        self.label
            .as_ref()
            .is_none_or(|label| labels.contains(label))
            && self.selector.matches(value)
    }
}

/// A cluster, joined with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterLabels {
    /// The cluster.
    pub cluster: Cluster,
    /// Its labels.
    pub labels: BTreeSet<ClusterLabelName>,
}

type LabelsOf = BTreeMap<ClusterKey, BTreeSet<ClusterLabelName>>;

impl App {
    /// Lists the clusters of a provider.
    pub async fn list_clusters(
        &self,
        _who: &Principal,
        provider: &ProviderName,
        filter: &ClusterFilter,
        page: PageRequest,
    ) -> Result<Listed<ClusterDetail>, Error> {
        self.require_provider(provider).await?;
        let listed = if *filter == ClusterFilter::default() {
            let scope = Scope::Under(provider.to_string());
            self.page::<Cluster>(scope, page).await?
        } else {
            let labels = self.labels_of(provider).await?;
            self.selected(provider, filter, &labels, page).await?
        };
        let mut items = Vec::with_capacity(listed.items.len());
        for saved in listed.items {
            items.push(self.with_health(saved).await?);
        }
        Ok(Listed {
            items,
            next: listed.next,
        })
    }

    /// Lists the clusters of a provider with their labels.
    pub async fn list_cluster_labels_of(
        &self,
        _who: &Principal,
        provider: &ProviderName,
        filter: &ClusterFilter,
        page: PageRequest,
    ) -> Result<Listed<ClusterLabels>, Error> {
        self.require_provider(provider).await?;
        let labels = self.labels_of(provider).await?;
        let listed = self.selected(provider, filter, &labels, page).await?;
        let join = |cluster: Cluster| ClusterLabels {
            labels: labels.get(&cluster.key).cloned().unwrap_or_default(),
            cluster,
        };
        Ok(Listed {
            items: listed
                .items
                .into_iter()
                .map(|saved: Saved<Cluster>| saved.map(join))
                .collect(),
            next: listed.next,
        })
    }

    async fn labels_of(&self, provider: &ProviderName) -> Result<LabelsOf, Error> {
        let scope = Scope::Under(provider.to_string());
        let mut labels = LabelsOf::new();
        for found in self.store().read_all::<ClusterLabel>(scope).await? {
            let label = found.document;
            labels.entry(label.cluster).or_default().insert(label.label);
        }
        Ok(labels)
    }

    async fn selected(
        &self,
        provider: &ProviderName,
        filter: &ClusterFilter,
        labels: &LabelsOf,
        page: PageRequest,
    ) -> Result<Listed<Cluster>, Error> {
        let none = BTreeSet::new();
        let scope = Scope::Under(provider.to_string());
        self.page_where(scope, page, |cluster: &Cluster| {
            filter.selects(labels.get(&cluster.key).unwrap_or(&none))
        })
        .await
    }
}
