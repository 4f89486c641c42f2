//! Forget: a cluster goes although logical clouds use it, because it will never return.
//!
//! What is in it is written off, each with an audit record in its project: reservations, tombstones, and what
//! was recorded of targets and their access. References stay, because users wrote them: their member says that
//! it was forgotten, until the reference is deleted, or the name is registered again and the cloud is
//! instantiated, which reserves its namespace anew.

use std::collections::BTreeSet;

use dcm_store::{Expect, Scope, StoreExt as _};
use dcm_types::documents::{Access, Observed, Reservation, Target, Tombstone};
use dcm_types::ports::Nudge;
use dcm_types::{ClusterKey, Document as _, Index, Key, TargetKey};

use crate::change::{Act, Change};
use crate::settle::settle;
use crate::tombstones::WRITE_OFF;
use crate::{App, Error, Precondition, Principal};

impl App {
    /// Deletes a cluster, and writes off whatever logical clouds have in it.
    pub async fn forget_cluster(
        &self,
        who: &Principal,
        key: &ClusterKey,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let lost = settle(async || {
            let found = self.require_cluster(key).await?;
            precondition.check(Some(&found))?;
            let mut change = self.removal_of(&found).await?;
            let lost = self.write_off_targets(who, key, &mut change).await?;
            self.write_off_tombstones(who, key, &mut change).await?;
            let act = Act::done(who, Key::SYSTEM_SCOPE, "forget", Key::cluster(key));
            self.commit(change, act).await?;
            Ok(lost)
        })
        .await?;
        self.nudge(Nudge::Cluster(key.clone())).await;
        for target in lost {
            self.nudge(Nudge::Cloud(target.cloud)).await;
        }
        Ok(())
    }

    /// Everything of clouds that exist; names the targets in which something was or could have come to be.
    async fn write_off_targets(
        &self,
        who: &Principal,
        key: &ClusterKey,
        change: &mut Change,
    ) -> Result<BTreeSet<TargetKey>, Error> {
        let scope = || Scope::Indexed(Index::Cluster, key.path());
        let mut lost = BTreeSet::new();
        for found in self.store().read_all::<Target>(scope()).await? {
            let target = found.document;
            // A run that is under way writes nothing any more: it would have to write this first.
            change.delete(target.key(), Expect::Number(found.version.number));
            change.delete(Key::quota_usage(&target.key), Expect::Anything);
            let below = Scope::Under(target.key.path());
            for access in self.store().read_all::<Access>(below).await? {
                change.delete(access.document.key(), Expect::Anything);
            }
            if target.observed != Observed::Absent {
                lost.insert(target.key);
            }
        }
        let entombed = self.store().read_all::<Tombstone>(scope()).await?;
        for held in self.store().read_all::<Reservation>(scope()).await? {
            let reservation = held.document;
            let uid = reservation.cloud_uid;
            if entombed
                .iter()
                .any(|rest| rest.document.target.cloud_uid == uid)
            {
                continue;
            }
            change.delete(reservation.key(), Expect::Untouched(held.version));
            lost.insert(TargetKey {
                cloud: reservation.cloud,
                cluster: reservation.cluster,
            });
        }
        for target in &lost {
            let project = target.cloud.project.as_str();
            self.tell(
                change,
                &Act::done(who, project, WRITE_OFF, Key::target(target)),
            )?;
        }
        Ok(lost)
    }

    /// What was left of clouds that are gone.
    async fn write_off_tombstones(
        &self,
        who: &Principal,
        key: &ClusterKey,
        change: &mut Change,
    ) -> Result<(), Error> {
        let scope = Scope::Indexed(Index::Cluster, key.path());
        for found in self.store().read_all::<Tombstone>(scope).await? {
            let project = found.document.target.key.cloud.project.clone();
            let object = self.write_off(change, found).await?;
            self.tell(change, &Act::done(who, project.as_str(), WRITE_OFF, object))?;
        }
        Ok(())
    }
}
