//! Delete: refused while the cloud shall exist, queued while something is left of it in a member, and
//! otherwise everything of it in one commit.

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{
    Access, ClusterReference, Lifecycle, LogicalCloud, LogicalCloudKv, MeshManifest, Quota,
    Revision, ServiceMesh, Target, User, UserPermission, Wish,
};
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, Document, DocumentKind, Key};

use super::Deletion;
use crate::change::{Act, Change};
use crate::settle::settle;
use crate::{App, Error, Precondition, Principal};

impl App {
    /// Deletes a logical cloud with everything that belongs to it.
    pub async fn delete_logical_cloud(
        &self,
        who: &Principal,
        key: &CloudKey,
        precondition: Precondition,
    ) -> Result<Deletion, Error> {
        settle(async || {
            let cloud = self.require_cloud(key).await?;
            precondition.check(Some(&cloud))?;
            let lifecycle = self.lifecycle_of(key).await?;
            if let Some(lifecycle) = &lifecycle {
                if lifecycle.document.wish == Wish::Present {
                    return Err(Error::conflict("the logical cloud is instantiated")
                        .hint("terminate it first"));
                }
                if !self.is_clean(key, cloud.document.uid).await? {
                    self.queue_deletion(who, &cloud, lifecycle).await?;
                    return Ok(Deletion::Queued);
                }
            }
            let change = dismantle(self, &cloud, lifecycle.as_ref()).await?;
            let act = Act::done(who, key.project.as_str(), "delete", Key::cloud(key));
            self.commit(change, act).await?;
            Ok(Deletion::Done)
        })
        .await
    }

    async fn queue_deletion(
        &self,
        who: &Principal,
        cloud: &Versioned<LogicalCloud>,
        lifecycle: &Versioned<Lifecycle>,
    ) -> Result<(), Error> {
        if lifecycle.document.delete_when_absent && lifecycle.document.paused_at.is_none() {
            return Ok(());
        }
        let key = &cloud.document.key;
        let queued = Lifecycle {
            delete_when_absent: true,
            // Who is promised a deletion does not wait for another action.
            paused_at: None,
            ..lifecycle.document.clone()
        };
        let mut change = Change::new();
        change.put(&queued, Expect::Number(lifecycle.version.number))?;
        change.assert(Key::cloud(key), Expect::Number(cloud.version.number));
        let act = Act::done(who, key.project.as_str(), "delete", Key::cloud(key));
        self.commit(change, act.accepted()).await?;
        if lifecycle.document.paused_at.is_some() {
            self.nudge(Nudge::Cloud(key.clone())).await;
        }
        Ok(())
    }
}

/// The deletes of everything that belongs to a cloud of which nothing is left in any member. They
/// fail together when anything of it changed since it was read, or an action was accepted.
pub(crate) async fn dismantle(
    app: &App,
    cloud: &Versioned<LogicalCloud>,
    lifecycle: Option<&Versioned<Lifecycle>>,
) -> Result<Change, Error> {
    let key = &cloud.document.key;
    let mut change = Change::new();
    change.delete(Key::cloud(key), Expect::Untouched(cloud.version));
    change.delete(
        Key::of_cloud(DocumentKind::Namespace, key),
        Expect::Anything,
    );
    let document = Key::of_cloud(DocumentKind::Lifecycle, key);
    match lifecycle {
        Some(found) => change.delete(document, Expect::Number(found.version.number)),
        None => change.assert(document, Expect::Absent),
    }
    let below = Scope::Under(key.path());
    delete_all::<User>(app, &below, &mut change).await?;
    delete_all::<ClusterReference>(app, &below, &mut change).await?;
    delete_all::<Quota>(app, &below, &mut change).await?;
    delete_all::<UserPermission>(app, &below, &mut change).await?;
    delete_all::<LogicalCloudKv>(app, &below, &mut change).await?;
    for found in app.store().read_all::<Target>(below.clone()).await? {
        // Usage is written only beside a target that exists, so none is left behind.
        let usage = Key::quota_usage(&found.document.key);
        change.delete(usage, Expect::Anything);
        change.delete(found.document.key(), Expect::Number(found.version.number));
    }
    delete_all::<Access>(app, &below, &mut change).await?;
    // Its authority finds by itself that the cloud is gone.
    delete_all::<ServiceMesh>(app, &below, &mut change).await?;
    let by_uid = Scope::Under(cloud.document.uid.to_string());
    delete_all::<MeshManifest>(app, &by_uid, &mut change).await?;
    delete_all::<Revision>(app, &by_uid, &mut change).await?;
    Ok(change)
}

async fn delete_all<D: Document>(
    app: &App,
    scope: &Scope,
    change: &mut Change,
) -> Result<(), Error> {
    for found in app.store().read_all::<D>(scope.clone()).await? {
        let expect = Expect::Number(found.version.number);
        change.delete(found.document.key(), expect);
    }
    Ok(())
}
