//! Finds out from the documents which subjects a change, a cluster, or a scan concerns, and asks for their
//! runs. A subject without work ends its run at once, so naming one too many costs a few reads.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use dcm_store::{Error as StoreError, Scope, Store, StoreExt as _};
use dcm_types::documents::{Lifecycle, Observed, Reservation, Revision, Target, Tombstone};
use dcm_types::{
    CloudKey, ClusterKey, Condition, ConditionStatus, DocumentKind, Index, Key, TargetKey,
    Timestamp,
};

use crate::driver::{Priority, Queue};
use crate::subject::Subject;

/// Asks for runs.
#[derive(Clone)]
pub(crate) struct Agenda {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Queue<Subject>,
}

impl Agenda {
    /// Asks for each once, when all of them are known: one that is named twice, with its run in between,
    /// would run twice.
    fn ask(&self, subjects: BTreeSet<Subject>, priority: Priority) {
        for subject in subjects {
            self.queue.nudge(subject, priority);
        }
    }

    /// What the documents say is not done; at the start, without a time, everything, because what happened
    /// before it left no event. Drift is not among it: watches and lists of the members see that, one for all
    /// clouds of a member.
    pub(crate) async fn scan(&self, now: Option<Timestamp>) -> Result<(), StoreError> {
        let lifecycles = self.store.read_all::<Lifecycle>(Scope::All).await?;
        let wanted: HashMap<&CloudKey, u64> = lifecycles
            .iter()
            .map(|found| (&found.document.cloud, found.document.generation))
            .collect();
        let mut found = BTreeSet::new();
        let mut settled = HashSet::new();
        for target in self.store.read_all::<Target>(Scope::All).await? {
            let target = target.document;
            let generation = wanted.get(&target.key.cloud).copied();
            let subject = Subject::Target(target.key.clone());
            if now.is_some_and(|now| is_settled(&target, generation, now)) {
                settled.insert(subject);
            } else {
                found.insert(subject);
            }
        }
        self.tombstones(Scope::All, &mut found).await?;
        for lifecycle in &lifecycles {
            self.members(&lifecycle.document, &mut found).await?;
        }
        self.reserved(Scope::All, &mut found).await?;
        found.retain(|subject| !settled.contains(subject));
        self.ask(found, Priority::Housekeeping);
        Ok(())
    }

    /// Everything in one cluster.
    pub(crate) async fn of_cluster(&self, cluster: &ClusterKey) -> Result<(), StoreError> {
        let scope = || Scope::Indexed(Index::Cluster, cluster.path());
        let mut found = BTreeSet::new();
        self.recorded(scope(), &mut found).await?;
        self.tombstones(scope(), &mut found).await?;
        self.reserved(scope(), &mut found).await?;
        self.ask(found, Priority::Foreground);
        Ok(())
    }

    /// Everything of one logical cloud.
    pub(crate) async fn of_cloud(&self, cloud: &CloudKey) -> Result<(), StoreError> {
        let mut found = BTreeSet::new();
        let key = Key::of_cloud(DocumentKind::Lifecycle, cloud);
        if let Some(lifecycle) = self.store.read::<Lifecycle>(&key).await? {
            self.members(&lifecycle.document, &mut found).await?;
            let uid = lifecycle.document.cloud_uid.to_string();
            self.reserved(Scope::Indexed(Index::Cloud, uid), &mut found)
                .await?;
        }
        self.recorded(Scope::Under(cloud.path()), &mut found)
            .await?;
        self.ask(found, Priority::Foreground);
        Ok(())
    }

    /// Targets of which something is recorded.
    async fn recorded(
        &self,
        scope: Scope,
        found: &mut BTreeSet<Subject>,
    ) -> Result<(), StoreError> {
        let targets = self.store.read_all::<Target>(scope).await?;
        found.extend(targets.into_iter().map(|target| target.document.key.into()));
        Ok(())
    }

    async fn tombstones(
        &self,
        scope: Scope,
        found: &mut BTreeSet<Subject>,
    ) -> Result<(), StoreError> {
        let tombstones = self.store.read_all::<Tombstone>(scope).await?;
        found.extend(tombstones.iter().map(|rest| Subject::of(&rest.document)));
        Ok(())
    }

    async fn members(
        &self,
        lifecycle: &Lifecycle,
        found: &mut BTreeSet<Subject>,
    ) -> Result<(), StoreError> {
        let key = Key::revision(lifecycle.cloud_uid, lifecycle.generation);
        let Some(revision) = self.store.read::<Revision>(&key).await? else {
            return Ok(());
        };
        let revision = revision.document;
        let members = revision.members.iter().map(|member| &member.cluster);
        let members = members.filter(|cluster| revision.has_member(cluster));
        found.extend(members.map(|cluster| {
            Subject::Target(TargetKey {
                cloud: revision.cloud.clone(),
                cluster: cluster.clone(),
            })
        }));
        Ok(())
    }

    /// Members for which a namespace is held: also those that a wish named which was overtaken before
    /// its first run.
    async fn reserved(
        &self,
        scope: Scope,
        found: &mut BTreeSet<Subject>,
    ) -> Result<(), StoreError> {
        let held = self.store.read_all::<Reservation>(scope).await?;
        found.extend(held.into_iter().map(|held| {
            Subject::Target(TargetKey {
                cloud: held.document.cloud,
                cluster: held.document.cluster,
            })
        }));
        Ok(())
    }
}

/// Whether the documents say that nothing is left to do for a target.
fn is_settled(target: &Target, wanted: Option<u64>, now: Timestamp) -> bool {
    let as_wished = match &target.observed {
        Observed::Known { generation, .. } => wanted == Some(*generation),
        Observed::Absent => target.applied_generation == wanted,
        Observed::Unknown => false,
    };
    let holds = |condition: &Condition| condition.status == ConditionStatus::True;
    as_wished
        && target.last_error.is_none()
        && target.conditions.iter().all(holds)
        && target.check_at.is_none_or(|at| at > now)
}
