//! Finds out from the documents which subjects a change, a cluster, or a scan concerns, and asks for their
//! runs. A subject without work ends its run at once, so naming one too many costs a few reads.

use std::collections::{HashMap, HashSet};
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
    fn ask(&self, subject: impl Into<Subject>, priority: Priority) {
        self.queue.nudge(subject.into(), priority);
    }

    /// What the documents say is not done; at the start, without a time, everything, because what happened
    /// before it left no event. Drift is not among it: watches and lists of the members see that, one for all
    /// clouds of a member.
    pub(crate) async fn scan(&self, now: Option<Timestamp>) -> Result<(), StoreError> {
        let priority = Priority::Housekeeping;
        let lifecycles = self.store.read_all::<Lifecycle>(Scope::All).await?;
        let wanted: HashMap<&CloudKey, u64> = lifecycles
            .iter()
            .map(|found| (&found.document.cloud, found.document.generation))
            .collect();
        let mut settled = HashSet::new();
        for target in self.store.read_all::<Target>(Scope::All).await? {
            let target = target.document;
            let generation = wanted.get(&target.key.cloud).copied();
            if now.is_some_and(|now| is_settled(&target, generation, now)) {
                settled.insert(target.key);
            } else {
                self.ask(target.key, priority);
            }
        }
        for tombstone in self.store.read_all::<Tombstone>(Scope::All).await? {
            self.ask(Subject::of(&tombstone.document), priority);
        }
        for lifecycle in &lifecycles {
            self.members(&lifecycle.document, priority, &settled)
                .await?;
        }
        self.reserved(Scope::All, priority, &settled).await
    }

    /// Everything in one cluster.
    pub(crate) async fn of_cluster(&self, cluster: &ClusterKey) -> Result<(), StoreError> {
        let scope = || Scope::Indexed(Index::Cluster, cluster.path());
        self.recorded(scope(), Priority::Foreground).await?;
        self.reserved(scope(), Priority::Foreground, &HashSet::new())
            .await
    }

    /// Everything of one logical cloud.
    pub(crate) async fn of_cloud(&self, cloud: &CloudKey) -> Result<(), StoreError> {
        let priority = Priority::Foreground;
        let key = Key::of_cloud(DocumentKind::Lifecycle, cloud);
        if let Some(lifecycle) = self.store.read::<Lifecycle>(&key).await? {
            let all = HashSet::new();
            self.members(&lifecycle.document, priority, &all).await?;
            let uid = lifecycle.document.cloud_uid.to_string();
            self.reserved(Scope::Indexed(Index::Cloud, uid), priority, &all)
                .await?;
        }
        let scope = Scope::Under(cloud.path());
        for target in self.store.read_all::<Target>(scope).await? {
            self.ask(target.document.key, priority);
        }
        Ok(())
    }

    /// Subjects of which something is recorded.
    async fn recorded(&self, scope: Scope, priority: Priority) -> Result<(), StoreError> {
        for target in self.store.read_all::<Target>(scope.clone()).await? {
            self.ask(target.document.key, priority);
        }
        for tombstone in self.store.read_all::<Tombstone>(scope).await? {
            self.ask(Subject::of(&tombstone.document), priority);
        }
        Ok(())
    }

    async fn members(
        &self,
        lifecycle: &Lifecycle,
        priority: Priority,
        settled: &HashSet<TargetKey>,
    ) -> Result<(), StoreError> {
        let key = Key::revision(lifecycle.cloud_uid, lifecycle.generation);
        let Some(revision) = self.store.read::<Revision>(&key).await? else {
            return Ok(());
        };
        let revision = revision.document;
        let members = revision.members.iter().map(|member| &member.cluster);
        for cluster in members.filter(|cluster| revision.has_member(cluster)) {
            let key = TargetKey {
                cloud: revision.cloud.clone(),
                cluster: cluster.clone(),
            };
            if !settled.contains(&key) {
                self.ask(key, priority);
            }
        }
        Ok(())
    }

    /// Members for which a namespace is held: also those that a wish named which was overtaken before
    /// its first run.
    async fn reserved(
        &self,
        scope: Scope,
        priority: Priority,
        settled: &HashSet<TargetKey>,
    ) -> Result<(), StoreError> {
        for held in self.store.read_all::<Reservation>(scope).await? {
            let key = TargetKey {
                cloud: held.document.cloud,
                cluster: held.document.cluster,
            };
            if !settled.contains(&key) {
                self.ask(key, priority);
            }
        }
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
