//! Key-values of a cluster, kept for clients.

use dcm_store::Scope;
use dcm_types::documents::ClusterKv;
use dcm_types::drafts::ClusterKvDraft;
use dcm_types::{ClusterKey, ClusterKvName, Key};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Creates key-values of a cluster.
    pub async fn create_cluster_kv(
        &self,
        who: &Principal,
        cluster: &ClusterKey,
        draft: ClusterKvDraft,
    ) -> Result<Saved<ClusterKv>, Error> {
        self.require_cluster(cluster).await?;
        let document = self.new_cluster_kv(cluster, draft);
        self.create_document(who, &Site::system(Key::cluster(cluster)), document)
            .await
    }

    /// Reads key-values of a cluster.
    pub async fn get_cluster_kv(
        &self,
        _who: &Principal,
        cluster: &ClusterKey,
        name: &ClusterKvName,
    ) -> Result<Saved<ClusterKv>, Error> {
        self.require_cluster(cluster).await?;
        Ok(self
            .require::<ClusterKv>(&Key::cluster_kv(cluster, name))
            .await?
            .into())
    }

    /// Lists the key-values of a cluster.
    pub async fn list_cluster_kvs(
        &self,
        _who: &Principal,
        cluster: &ClusterKey,
        page: PageRequest,
    ) -> Result<Listed<ClusterKv>, Error> {
        self.require_cluster(cluster).await?;
        self.page(Scope::Under(cluster.path()), page).await
    }

    /// Creates or replaces key-values of a cluster.
    pub async fn put_cluster_kv(
        &self,
        who: &Principal,
        cluster: &ClusterKey,
        name: &ClusterKvName,
        draft: ClusterKvDraft,
        precondition: Precondition,
    ) -> Result<Written<ClusterKv>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        self.require_cluster(cluster).await?;
        let make = |found: Option<&ClusterKv>| {
            let mut document = self.new_cluster_kv(cluster, draft.clone());
            if let Some(found) = found {
                document.uid = found.uid;
            }
            Ok(document)
        };
        let (site, key) = (
            Site::system(Key::cluster(cluster)),
            Key::cluster_kv(cluster, name),
        );
        self.put_document(who, &site, &key, &precondition, make)
            .await
    }

    /// Deletes key-values of a cluster.
    pub async fn delete_cluster_kv(
        &self,
        who: &Principal,
        cluster: &ClusterKey,
        name: &ClusterKvName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        self.require_cluster(cluster).await?;
        let (site, key) = (
            Site::system(Key::cluster(cluster)),
            Key::cluster_kv(cluster, name),
        );
        self.delete_document::<ClusterKv>(who, &site, &key, &precondition)
            .await
    }

    fn new_cluster_kv(&self, cluster: &ClusterKey, draft: ClusterKvDraft) -> ClusterKv {
        ClusterKv {
            uid: self.new_uid(),
            cluster: cluster.clone(),
            name: draft.name,
            metadata: draft.metadata,
            pairs: draft.pairs,
        }
    }
}
