//! Clusters: registered with an administrator's kubeconfig, which is sealed at once and never given
//! back. Names are resolved and checked by whoever connects; a literal address is checked here too,
//! so that the caller is told at once.

mod draft;
mod forget;
mod list;
mod relabel;

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{Cluster, ClusterHealth, ClusterIdentity, ClusterKv, ClusterLabel};
use dcm_types::drafts::ClusterDraft;
use dcm_types::ports::Nudge;
use dcm_types::{ClusterKey, Document as _, DocumentKind, Index, Key, ProviderName, Uid};

use crate::change::{Act, Change, version_of};
use crate::documents::Site;
use crate::integrity::same_name;
use crate::settle::settle;
use crate::{App, Error, Precondition, Principal, Saved, Written};
use relabel::Relabel;

pub use list::{ClusterFilter, ClusterLabels};

/// A cluster, joined with what its last check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDetail {
    /// The cluster.
    pub cluster: Cluster,
    /// The last check of its present credential; `None` before it.
    pub health: Option<ClusterHealth>,
}

impl App {
    /// Registers a cluster and has it checked in the background.
    pub async fn create_cluster(
        &self,
        who: &Principal,
        provider: &ProviderName,
        draft: ClusterDraft,
    ) -> Result<Saved<ClusterDetail>, Error> {
        let key = ClusterKey {
            provider: provider.clone(),
            cluster: draft.name.clone(),
        };
        let access = self.check_cluster(&draft)?;
        let cluster = self.new_cluster(&key, &draft, &access)?;
        let relabel = Relabel::new(&key, draft.labels.as_ref());
        let saved = self.write_cluster(who, None, cluster, relabel).await?.saved;
        self.nudge(Nudge::Cluster(key)).await;
        Ok(saved.map(unchecked))
    }

    /// Reads a cluster.
    pub async fn get_cluster(
        &self,
        _who: &Principal,
        key: &ClusterKey,
    ) -> Result<Saved<ClusterDetail>, Error> {
        let found = self.require_cluster(key).await?;
        self.with_health(found.into()).await
    }

    /// Registers a cluster, or replaces its free text, its address for tenants, and what is given of
    /// credential and labels; all in one commit.
    pub async fn put_cluster(
        &self,
        who: &Principal,
        key: &ClusterKey,
        draft: ClusterDraft,
        precondition: Precondition,
    ) -> Result<Written<ClusterDetail>, Error> {
        same_name(key.cluster.as_str(), draft.name.as_str())?;
        let access = self.check_cluster(&draft)?;
        let written = settle(async || {
            let found = self.find::<Cluster>(&Key::cluster(key)).await?;
            precondition.check(found.as_ref())?;
            let cluster = match &found {
                Some(found) => self.replaced_cluster(&found.document, &draft, &access)?,
                None => self.new_cluster(key, &draft, &access)?,
            };
            let relabel = self.relabel(key, draft.labels.as_ref()).await?;
            let written = self.write_cluster(who, found, cluster, relabel).await;
            written.map_err(Error::raced_if_taken)
        })
        .await?;
        self.nudge(Nudge::Cluster(key.clone())).await;
        let saved = self.with_health(written.saved).await?;
        Ok(Written {
            saved,
            created: written.created,
        })
    }

    /// Deletes a cluster that nothing uses.
    pub async fn delete_cluster(
        &self,
        who: &Principal,
        key: &ClusterKey,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require_cluster(key).await?;
            precondition.check(Some(&found))?;
            self.refuse_use_of(key).await?;
            let change = self.removal_of(&found).await?;
            let act = Act::done(who, Key::SYSTEM_SCOPE, "delete", Key::cluster(key));
            self.commit(change, act).await?;
            Ok(())
        })
        .await?;
        self.nudge(Nudge::Cluster(key.clone())).await;
        Ok(())
    }

    /// The deletes of a cluster with all that was found out about it.
    async fn removal_of(&self, found: &Versioned<Cluster>) -> Result<Change, Error> {
        let key = &found.document.key;
        let document = Key::cluster(key);
        self.refuse_children::<ClusterLabel>(&document, "labels")
            .await?;
        self.refuse_children::<ClusterKv>(&document, "kv-pairs")
            .await?;
        let mut change = Change::new();
        change.delete(document, Expect::Untouched(found.version));
        let health = Key::of_cluster(DocumentKind::ClusterHealth, key);
        change.delete(health, Expect::Anything);
        for identity in self.identities_of(key, found.document.uid).await? {
            change.delete(identity, Expect::Anything);
        }
        Ok(change)
    }

    /// Has a cluster checked now, so that what waits for it goes on as soon as it answers.
    pub async fn probe_cluster(&self, _who: &Principal, key: &ClusterKey) -> Result<(), Error> {
        self.require_cluster(key).await?;
        self.nudge(Nudge::Cluster(key.clone())).await;
        Ok(())
    }

    pub(crate) async fn require_cluster(
        &self,
        key: &ClusterKey,
    ) -> Result<Versioned<Cluster>, Error> {
        let document = Key::cluster(key);
        if let Some(found) = self.find(&document).await? {
            return Ok(found);
        }
        self.require_provider(&key.provider).await?;
        Err(crate::integrity::missing(&document))
    }

    /// Joins the last check, unless it was of another credential or of an earlier namesake.
    async fn with_health(&self, saved: Saved<Cluster>) -> Result<Saved<ClusterDetail>, Error> {
        let cluster = &saved.document;
        let key = Key::of_cluster(DocumentKind::ClusterHealth, &cluster.key);
        let health = self
            .find::<ClusterHealth>(&key)
            .await?
            .map(|found| found.document)
            .filter(|health| {
                health.credential_epoch == cluster.credential_epoch
                    && health.checked_at >= cluster.created_at
            });
        Ok(saved.map(|cluster| ClusterDetail { cluster, health }))
    }

    async fn identities_of(&self, key: &ClusterKey, uid: Uid) -> Result<Vec<Key>, Error> {
        let held = self
            .store()
            .read_all::<ClusterIdentity>(Scope::Indexed(Index::Cluster, key.path()))
            .await?;
        Ok(held
            .into_iter()
            .filter(|identity| identity.document.holder_uid == uid)
            .map(|identity| identity.document.key())
            .collect())
    }

    /// Writes a cluster together with its labels. Whoever changes labels commits with the cluster
    /// untouched since they were read.
    async fn write_cluster(
        &self,
        who: &Principal,
        found: Option<Versioned<Cluster>>,
        cluster: Cluster,
        relabel: Relabel,
    ) -> Result<Written<Cluster>, Error> {
        let site = Site::system(Key::provider(&cluster.key.provider));
        let mut change = site.change();
        if let Some(found) = &found
            && relabel.is_nothing()
        {
            let found = Some(found.clone());
            return self
                .write(who, Key::SYSTEM_SCOPE, found, cluster, change)
                .await;
        }
        let key = cluster.key();
        let created = found.is_none();
        let kept = match &found {
            Some(found) if found.document == cluster => {
                change.assert(key.clone(), Expect::Untouched(found.version));
                Some(found.version.number)
            }
            Some(found) => {
                change.put(&cluster, Expect::Untouched(found.version))?;
                None
            }
            None => {
                change.put(&cluster, Expect::Absent)?;
                None
            }
        };
        relabel.add_to(&mut change)?;
        let verb = if created { "create" } else { "update" };
        let act = Act::done(who, Key::SYSTEM_SCOPE, verb, key.clone());
        let committed = self.commit(change, act).await?;
        let version = kept.unwrap_or_else(|| version_of(&committed, &key));
        Ok(Written {
            saved: Saved {
                document: cluster,
                version,
            },
            created,
        })
    }
}

fn unchecked(cluster: Cluster) -> ClusterDetail {
    ClusterDetail {
        cluster,
        health: None,
    }
}
