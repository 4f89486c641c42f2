//! Finishing: deletes clouds whose deletion waited for their members, and old revisions.

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{Lifecycle, LogicalCloud, Revision};
use dcm_types::{CloudKey, Document as _, Key};

use crate::change::Act;
use crate::logical_clouds::dismantle;
use crate::settle::settle;
use crate::tombstones::Rest;
use crate::{App, Error, Principal};

/// How many revisions of a cloud are kept, the wanted one included.
const KEPT: u64 = 10;

impl App {
    /// Looks at every cloud on which an action was accepted.
    pub(crate) async fn finish_all(&self) -> Result<(), Error> {
        for lifecycle in self.store().read_all::<Lifecycle>(Scope::All).await? {
            self.finish(&lifecycle.document.cloud).await?;
        }
        Ok(())
    }

    /// Does what is left to do for one cloud, if anything.
    pub(crate) async fn finish(&self, key: &CloudKey) -> Result<(), Error> {
        settle(async || {
            let Some(cloud) = self.find::<LogicalCloud>(&Key::cloud(key)).await? else {
                return Ok(());
            };
            let Some(lifecycle) = self.lifecycle_of(key).await? else {
                return Ok(());
            };
            if lifecycle.document.delete_when_absent
                && self.delete_queued(&cloud, &lifecycle).await?
            {
                return Ok(());
            }
            self.prune(&lifecycle.document).await
        })
        .await
    }

    /// Deletes a cloud whose deletion was queued, unless something is left in a member that answers; says
    /// whether it did.
    async fn delete_queued(
        &self,
        cloud: &Versioned<LogicalCloud>,
        lifecycle: &Versioned<Lifecycle>,
    ) -> Result<bool, Error> {
        let left = match self.rest_of(&cloud.document, &lifecycle.document).await? {
            Rest::Nothing => Vec::new(),
            Rest::OutOfReach(left) => left,
            Rest::Something => return Ok(false),
        };
        let key = &cloud.document.key;
        let tombstones = left.len();
        let mut change = dismantle(self, cloud, Some(lifecycle)).await?;
        if !left.is_empty() {
            let revision = self.current_revision(cloud, Some(lifecycle)).await?;
            let revision = revision.ok_or_else(Error::raced)?;
            self.entomb(&mut change, &cloud.document, &revision, left)
                .await?;
        }
        let who = Principal::background();
        let act = Act::done(&who, key.project.as_str(), "delete", Key::cloud(key));
        self.commit(change, act).await?;
        if tombstones == 0 {
            tracing::info!(cloud = %key, "deleted: nothing is left of it in any member");
        } else {
            tracing::warn!(cloud = %key, tombstones, "deleted: what is left in members that do not answer has tombstones");
        }
        Ok(true)
    }

    /// Deletes revisions that are too old to be of use. Nobody asked for it and nothing refers to
    /// them, so it is told in no audit record.
    async fn prune(&self, lifecycle: &Lifecycle) -> Result<(), Error> {
        let Some(limit) = lifecycle.generation.checked_sub(KEPT) else {
            return Ok(());
        };
        let scope = Scope::Under(lifecycle.cloud_uid.to_string());
        let mut batch = dcm_store::Batch::new();
        for found in self.store().read_all::<Revision>(scope).await? {
            if found.document.generation <= limit {
                batch.delete(found.document.key(), Expect::Anything);
            }
        }
        if !batch.operations.is_empty() {
            self.store().commit(batch).await?;
        }
        Ok(())
    }
}
