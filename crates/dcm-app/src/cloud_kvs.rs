//! Key-values of a logical cloud, kept for clients. They go with the cloud.

use dcm_store::Scope;
use dcm_types::documents::LogicalCloudKv;
use dcm_types::drafts::CloudKvDraft;
use dcm_types::{CloudKey, CloudKvName, Key};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Creates key-values of a logical cloud.
    pub async fn create_cloud_kv(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        draft: CloudKvDraft,
    ) -> Result<Saved<LogicalCloudKv>, Error> {
        self.require_cloud(cloud).await?;
        let document = self.new_cloud_kv(cloud, draft);
        self.create_document(who, &Site::in_cloud(cloud), document)
            .await
    }

    /// Reads key-values of a logical cloud.
    pub async fn get_cloud_kv(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        name: &CloudKvName,
    ) -> Result<Saved<LogicalCloudKv>, Error> {
        self.require_cloud(cloud).await?;
        Ok(self
            .require::<LogicalCloudKv>(&Key::cloud_kv(cloud, name))
            .await?
            .into())
    }

    /// Lists the key-values of a logical cloud.
    pub async fn list_cloud_kvs(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        page: PageRequest,
    ) -> Result<Listed<LogicalCloudKv>, Error> {
        self.require_cloud(cloud).await?;
        self.page(Scope::Under(cloud.path()), page).await
    }

    /// Creates or replaces key-values of a logical cloud.
    pub async fn put_cloud_kv(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &CloudKvName,
        draft: CloudKvDraft,
        precondition: Precondition,
    ) -> Result<Written<LogicalCloudKv>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        self.require_cloud(cloud).await?;
        let make = |found: Option<&LogicalCloudKv>| {
            let mut document = self.new_cloud_kv(cloud, draft.clone());
            if let Some(found) = found {
                document.uid = found.uid;
            }
            Ok(document)
        };
        let (site, key) = (Site::in_cloud(cloud), Key::cloud_kv(cloud, name));
        self.put_document(who, &site, &key, &precondition, make)
            .await
    }

    /// Deletes key-values of a logical cloud.
    pub async fn delete_cloud_kv(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &CloudKvName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        self.require_cloud(cloud).await?;
        let (site, key) = (Site::in_cloud(cloud), Key::cloud_kv(cloud, name));
        self.delete_document::<LogicalCloudKv>(who, &site, &key, &precondition)
            .await
    }

    fn new_cloud_kv(&self, cloud: &CloudKey, draft: CloudKvDraft) -> LogicalCloudKv {
        LogicalCloudKv {
            uid: self.new_uid(),
            cloud: cloud.clone(),
            name: draft.name,
            metadata: draft.metadata,
            items: draft.items,
        }
    }
}
