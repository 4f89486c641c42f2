//! Finds out from the documents which subjects a change, a cluster, or a scan concerns, and asks for their
//! runs. A subject without work ends its run at once, so naming one too many costs a few reads.

use std::sync::Arc;

use dcm_store::{Error as StoreError, Scope, Store, StoreExt as _};
use dcm_types::documents::{Lifecycle, Reservation, Revision, Target, Tombstone};
use dcm_types::{CloudKey, ClusterKey, DocumentKind, Index, Key, TargetKey};

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

    /// Everything that there may be work for.
    pub(crate) async fn everything(&self) -> Result<(), StoreError> {
        let priority = Priority::Housekeeping;
        self.recorded(Scope::All, priority).await?;
        for lifecycle in self.store.read_all::<Lifecycle>(Scope::All).await? {
            self.members(&lifecycle.document, priority).await?;
        }
        self.reserved(Scope::All, priority).await
    }

    /// Everything in one cluster.
    pub(crate) async fn of_cluster(&self, cluster: &ClusterKey) -> Result<(), StoreError> {
        let scope = || Scope::Indexed(Index::Cluster, cluster.path());
        self.recorded(scope(), Priority::Foreground).await?;
        self.reserved(scope(), Priority::Foreground).await
    }

    /// Everything of one logical cloud.
    pub(crate) async fn of_cloud(&self, cloud: &CloudKey) -> Result<(), StoreError> {
        let priority = Priority::Foreground;
        let key = Key::of_cloud(DocumentKind::Lifecycle, cloud);
        if let Some(lifecycle) = self.store.read::<Lifecycle>(&key).await? {
            self.members(&lifecycle.document, priority).await?;
            let uid = lifecycle.document.cloud_uid.to_string();
            self.reserved(Scope::Indexed(Index::Cloud, uid), priority)
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

    async fn members(&self, lifecycle: &Lifecycle, priority: Priority) -> Result<(), StoreError> {
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
            self.ask(key, priority);
        }
        Ok(())
    }

    /// Members for which a namespace is held: also those that a wish named which was overtaken before
    /// its first run.
    async fn reserved(&self, scope: Scope, priority: Priority) -> Result<(), StoreError> {
        for held in self.store.read_all::<Reservation>(scope).await? {
            let key = TargetKey {
                cloud: held.document.cloud,
                cluster: held.document.cluster,
            };
            self.ask(key, priority);
        }
        Ok(())
    }
}
