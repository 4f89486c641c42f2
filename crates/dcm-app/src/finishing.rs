//! Finishing: deletes clouds whose deletion waited for their members, and old revisions.

use dcm_store::{Expect, Scope, StoreExt as _};
use dcm_types::documents::{Lifecycle, LogicalCloud, Revision};
use dcm_types::{CloudKey, Document as _, Key};

use crate::change::Act;
use crate::logical_clouds::dismantle;
use crate::settle::settle;
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
            let uid = cloud.document.uid;
            if lifecycle.document.delete_when_absent && self.is_clean(key, uid).await? {
                let change = dismantle(self, &cloud, Some(&lifecycle)).await?;
                let who = Principal::background();
                let act = Act::done(&who, key.project.as_str(), "delete", Key::cloud(key));
                self.commit(change, act).await?;
                tracing::info!(cloud = %key, "deleted: nothing is left of it in any member");
                return Ok(());
            }
            self.prune(&lifecycle.document).await
        })
        .await
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
