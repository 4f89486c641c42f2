//! Quotas of a logical cloud. A change takes effect with the next `update`.

use dcm_store::{Expect, Scope};
use dcm_types::documents::{Level, LogicalCloud, Quota};
use dcm_types::drafts::QuotaDraft;
use dcm_types::{CloudKey, Key, QuotaName, Violation};

use crate::change::{Act, Change};
use crate::integrity::same_name;
use crate::settle::settle;
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
        self.create(who, cloud.project.as_str(), quota, child_of(cloud))
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
        settle(async || {
            refuse_admin_level(&self.require_cloud(cloud).await?.document)?;
            let found = self.find::<Quota>(&Key::quota(cloud, name)).await?;
            precondition.check(found.as_ref())?;
            let quota = match &found {
                Some(found) => Quota {
                    metadata: draft.metadata.clone(),
                    limits: draft.limits.clone(),
                    ..found.document.clone()
                },
                None => self.new_quota(cloud, draft.clone()),
            };
            self.write(who, cloud.project.as_str(), found, quota, child_of(cloud))
                .await
        })
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
        settle(async || {
            self.require_cloud(cloud).await?;
            let key = Key::quota(cloud, name);
            let found = self.require::<Quota>(&key).await?;
            precondition.check(Some(&found))?;
            let mut change = child_of(cloud);
            change.delete(key.clone(), Expect::Number(found.version.number));
            let act = Act::done(who, cloud.project.as_str(), "delete", key);
            self.commit(change, act).await?;
            Ok(())
        })
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

/// A change to a child of a cloud: the cloud must exist, and whoever decided on its children notices.
pub(crate) fn child_of(cloud: &CloudKey) -> Change {
    let mut change = Change::new();
    change.assert(Key::cloud(cloud), Expect::Exists);
    change
}

/// Nothing of ours is in the members of an admin cloud, so nothing would enforce a quota.
fn refuse_admin_level(cloud: &LogicalCloud) -> Result<(), Error> {
    if cloud.level != Level::Admin {
        return Ok(());
    }
    let violation = Violation::hidden("is not enforced in a logical cloud of level 0")
        .hint("use a logical cloud of level 1, which has a namespace of its own");
    Err(Error::invalid(vec![violation.at("spec")]))
}
