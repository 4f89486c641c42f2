//! When a queued deletion waits no longer: nothing is left of the cloud, or only in members that do not
//! answer. What is left there goes into a tombstone each, in the commit that deletes the cloud.

use std::collections::BTreeMap;

use dcm_store::{Expect, Scope, StoreExt as _};
use dcm_types::documents::{
    Cluster, LastError, Lifecycle, LogicalCloud, Observed, Project, Reservation, Revision, Target,
    Tombstone,
};
use dcm_types::{ClusterKey, Document as _, Index, Key};

use crate::change::Change;
use crate::{App, Error};

/// What is left of a cloud in its members.
pub(crate) enum Rest {
    /// Nothing.
    Nothing,
    /// Only what stands in members that do not answer.
    OutOfReach(Vec<Left>),
    /// Something, in a member that answers or was not asked yet.
    Something,
}

/// What is left in a member that does not answer.
pub(crate) struct Left {
    target: Target,
    /// The reservation of its namespace, and its version: as long as it is there, something may be.
    held: Option<(Key, u64)>,
}

impl App {
    /// What is left of a cloud that shall be deleted. Whoever acts on it commits with the
    /// reservations and the lifecycle as they were read.
    pub(crate) async fn rest_of(
        &self,
        cloud: &LogicalCloud,
        lifecycle: &Lifecycle,
    ) -> Result<Rest, Error> {
        let by_uid = Scope::Indexed(Index::Cloud, cloud.uid.to_string());
        let held = self.store().read_all::<Reservation>(by_uid).await?;
        let mut held: BTreeMap<ClusterKey, (Key, u64)> = held
            .into_iter()
            .map(|held| {
                let key = held.document.key();
                (held.document.cluster, (key, held.version.number))
            })
            .collect();
        let below = Scope::Under(cloud.key.path());
        let mut left = Vec::new();
        for target in self.store().read_all::<Target>(below).await? {
            let target = target.document;
            let cluster = &target.key.cluster;
            let held = held.remove(cluster);
            let is_held = held.is_some();
            if !is_held && target.observed == Observed::Absent {
                continue;
            }
            // A cluster that was forgotten was written off with all that is in it.
            if !is_held
                && self
                    .find::<Cluster>(&Key::cluster(cluster))
                    .await?
                    .is_none()
            {
                continue;
            }
            if !is_out_of_reach(&target, lifecycle) {
                return Ok(Rest::Something);
            }
            left.push(Left { target, held });
        }
        Ok(match (left.is_empty(), held.is_empty()) {
            (true, true) => Rest::Nothing,
            (false, true) => Rest::OutOfReach(left),
            // Held, and never looked at: a run is about to.
            (_, false) => Rest::Something,
        })
    }

    /// Adds the tombstones to the change that deletes a cloud.
    pub(crate) async fn entomb(
        &self,
        change: &mut Change,
        cloud: &LogicalCloud,
        revision: &Revision,
        left: Vec<Left>,
    ) -> Result<(), Error> {
        let project = self.require_project(&cloud.key.project).await?;
        let project: Project = project.document;
        for Left { target, held } in left {
            if let Some((key, version)) = held {
                change.assert(key, Expect::Number(version));
            }
            let cluster = Key::cluster(&target.key.cluster);
            // A cluster is in use while a tombstone is on it.
            change.assert(cluster, Expect::Exists);
            let tombstone = Tombstone {
                id: self.new_uid(),
                project_uid: project.uid,
                revision: revision.clone(),
                target,
                created_at: self.now(),
            };
            change.put(&tombstone, Expect::Absent)?;
        }
        Ok(())
    }
}

/// Whether the terminating generation was tried in a member, and the member as a whole could not be reached.
/// One failure is enough: a tombstone loses nothing, it is cleaned up like the member would have been.
fn is_out_of_reach(target: &Target, lifecycle: &Lifecycle) -> bool {
    let tried = target.wanted_generation == lifecycle.generation;
    let failed = target.last_error.as_ref();
    lifecycle.paused_at.is_none() && tried && failed.is_some_and(LastError::says_no_contact)
}
