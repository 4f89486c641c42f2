//! Quotas of a logical cloud. A change takes effect with the next `update`.

use dcm_store::Scope;
use dcm_types::documents::{Level, LogicalCloud, Quota};
use dcm_types::drafts::QuotaDraft;
use dcm_types::{CloudKey, Key, QuotaName, Violation};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Creates a quota.
    pub async fn create_quota(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        draft: QuotaDraft,
    ) -> Result<Saved<Quota>, Error> {
        refuse_admin_level(&self.require_cloud(cloud).await?.document)?;
        let quota = self.new_quota(cloud, draft);
        self.create_document(who, &Site::in_cloud(cloud), quota)
            .await
    }

    /// Reads a quota.
    pub async fn get_quota(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        name: &QuotaName,
    ) -> Result<Saved<Quota>, Error> {
        self.require_cloud(cloud).await?;
        Ok(self
            .require::<Quota>(&Key::quota(cloud, name))
            .await?
            .into())
    }

    /// Lists the quotas of a logical cloud.
    pub async fn list_quotas(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        page: PageRequest,
    ) -> Result<Listed<Quota>, Error> {
        self.require_cloud(cloud).await?;
        self.page(Scope::Under(cloud.path()), page).await
    }

    /// Creates or replaces a quota.
    pub async fn put_quota(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &QuotaName,
        draft: QuotaDraft,
        precondition: Precondition,
    ) -> Result<Written<Quota>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        refuse_admin_level(&self.require_cloud(cloud).await?.document)?;
        let make = |found: Option<&Quota>| {
            let mut quota = self.new_quota(cloud, draft.clone());
            if let Some(found) = found {
                quota.uid = found.uid;
            }
            Ok(quota)
        };
        let (site, key) = (Site::in_cloud(cloud), Key::quota(cloud, name));
        self.put_document(who, &site, &key, &precondition, make)
            .await
    }

    /// Deletes a quota.
    pub async fn delete_quota(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &QuotaName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        self.require_cloud(cloud).await?;
        let (site, key) = (Site::in_cloud(cloud), Key::quota(cloud, name));
        self.delete_document::<Quota>(who, &site, &key, &precondition)
            .await
    }

    pub(crate) fn new_quota(&self, cloud: &CloudKey, draft: QuotaDraft) -> Quota {
        Quota {
            uid: self.new_uid(),
            cloud: cloud.clone(),
            name: draft.name,
            metadata: draft.metadata,
            limits: draft.limits,
        }
    }
}

/// Nothing of ours is in the members of an admin cloud, so nothing would enforce a quota.
fn refuse_admin_level(cloud: &LogicalCloud) -> Result<(), Error> {
    if cloud.level != Level::Admin {
        return Ok(());
    }
    Err(Error::invalid(vec![not_enforced().at("spec")]))
}

/// Why a quota is refused at level 0.
pub(crate) fn not_enforced() -> Violation {
    Violation::hidden("is not enforced in a logical cloud of level 0")
        .hint("use a logical cloud of level 1, which has a namespace of its own")
}
