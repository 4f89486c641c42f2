//! Labels of clusters. They have no value; the document of a label is the label.

use dcm_store::Scope;
use dcm_types::documents::ClusterLabel;
use dcm_types::{ClusterKey, ClusterLabelName, Key};

use crate::documents::Site;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Puts a label on a cluster that does not have it.
    pub async fn create_cluster_label(
        &self,
        who: &Principal,
        cluster: &ClusterKey,
        label: ClusterLabelName,
    ) -> Result<Saved<ClusterLabel>, Error> {
        self.require_cluster(cluster).await?;
        let site = Site::system(Key::cluster(cluster));
        self.create_document(who, &site, label_of(cluster, &label))
            .await
    }

    /// Reads a label of a cluster.
    pub async fn get_cluster_label(
        &self,
        _who: &Principal,
        cluster: &ClusterKey,
        label: &ClusterLabelName,
    ) -> Result<Saved<ClusterLabel>, Error> {
        self.require_cluster(cluster).await?;
        let key = Key::cluster_label(cluster, label);
        Ok(self.require::<ClusterLabel>(&key).await?.into())
    }

    /// Lists the labels of a cluster.
    pub async fn list_cluster_labels(
        &self,
        _who: &Principal,
        cluster: &ClusterKey,
        page: PageRequest,
    ) -> Result<Listed<ClusterLabel>, Error> {
        self.require_cluster(cluster).await?;
        self.page(Scope::Under(cluster.path()), page).await
    }

    /// Puts a label on a cluster, whether it has it or not.
    pub async fn put_cluster_label(
        &self,
        who: &Principal,
        cluster: &ClusterKey,
        label: &ClusterLabelName,
        precondition: Precondition,
    ) -> Result<Written<ClusterLabel>, Error> {
        self.require_cluster(cluster).await?;
        let site = Site::system(Key::cluster(cluster));
        let key = Key::cluster_label(cluster, label);
        let make = |_: Option<&ClusterLabel>| Ok(label_of(cluster, label));
        self.put_document(who, &site, &key, &precondition, make)
            .await
    }

    /// Takes a label from a cluster.
    pub async fn delete_cluster_label(
        &self,
        who: &Principal,
        cluster: &ClusterKey,
        label: &ClusterLabelName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        self.require_cluster(cluster).await?;
        let site = Site::system(Key::cluster(cluster));
        let key = Key::cluster_label(cluster, label);
        self.delete_document::<ClusterLabel>(who, &site, &key, &precondition)
            .await
    }
}

pub(crate) fn label_of(cluster: &ClusterKey, label: &ClusterLabelName) -> ClusterLabel {
    ClusterLabel {
        cluster: cluster.clone(),
        label: label.clone(),
    }
}
