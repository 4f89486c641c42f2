//! Tombstones: what is left of deleted logical clouds in clusters that did not answer. They are cleaned up by
//! the synchronizer when the cluster returns, or written off by an operator.

mod entomb;

pub(crate) use entomb::Rest;

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{Reservation, Tombstone};
use dcm_types::{
    ClusterKey, Document as _, Index, Key, NamespaceName, ProjectName, Uid, Violation,
};

use crate::change::{Act, Change};
use crate::settle::settle;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved};

/// Which tombstones are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TombstoneFilter {
    /// Those of logical clouds of this project, as it is now: not those of an earlier one of its name.
    pub project: Option<ProjectName>,
    /// Those in this cluster.
    pub cluster: Option<ClusterKey>,
}

impl App {
    /// Lists tombstones.
    pub async fn list_tombstones(
        &self,
        _who: &Principal,
        filter: &TombstoneFilter,
        page: PageRequest,
    ) -> Result<Listed<Tombstone>, Error> {
        let project = match &filter.project {
            Some(name) => Some(self.require_project(name).await?.document.uid),
            None => None,
        };
        let scope = match &filter.cluster {
            Some(cluster) => Scope::Indexed(Index::Cluster, cluster.path()),
            None => Scope::All,
        };
        let keep = |found: &Tombstone| project.is_none_or(|uid| found.project_uid == uid);
        self.page_where(scope, page, keep).await
    }

    /// Reads a tombstone.
    pub async fn get_tombstone(
        &self,
        _who: &Principal,
        id: Uid,
    ) -> Result<Saved<Tombstone>, Error> {
        Ok(self.require::<Tombstone>(&Key::tombstone(id)).await?.into())
    }

    /// Gives up cleaning: the tombstone goes, and the namespace may be used again. Whatever is left in the
    /// cluster stays there, so the caller names the namespace that it is in.
    pub async fn write_off_tombstone(
        &self,
        who: &Principal,
        id: Uid,
        confirm: Option<&str>,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require::<Tombstone>(&Key::tombstone(id)).await?;
            precondition.check(Some(&found))?;
            let target = &found.document.target;
            refuse_unconfirmed(&target.namespace, confirm)?;
            let mut change = Change::new();
            let project = target.key.cloud.project.clone();
            let object = self.write_off(&mut change, found.clone()).await?;
            let act = Act::done(who, project.as_str(), WRITE_OFF, object);
            self.commit(change, act).await?;
            Ok(())
        })
        .await
    }

    /// Adds to a change that a tombstone is written off; names it for the audit.
    pub(crate) async fn write_off(
        &self,
        change: &mut Change,
        found: Versioned<Tombstone>,
    ) -> Result<Key, Error> {
        let target = &found.document.target;
        let key = found.document.key();
        change.delete(key.clone(), Expect::Number(found.version.number));
        self.release(
            change,
            &target.key.cluster,
            &target.namespace,
            target.cloud_uid,
        )
        .await?;
        Ok(key)
    }

    /// Adds to a change that a namespace may be used again, if this cloud holds it.
    pub(crate) async fn release(
        &self,
        change: &mut Change,
        cluster: &ClusterKey,
        namespace: &NamespaceName,
        cloud: Uid,
    ) -> Result<(), Error> {
        let key = Key::reservation(cluster, namespace);
        if let Some(held) = self.find::<Reservation>(&key).await?
            && held.document.cloud_uid == cloud
        {
            change.delete(key, Expect::Untouched(held.version));
        }
        Ok(())
    }

    /// The tombstone that holds a namespace, if one does.
    pub(crate) async fn tombstone_of(
        &self,
        held: &Reservation,
    ) -> Result<Option<Tombstone>, Error> {
        let scope = Scope::Indexed(Index::Cloud, held.cloud_uid.to_string());
        let found = self.store().read_all::<Tombstone>(scope).await?;
        let mut found = found.into_iter().map(|found| found.document);
        Ok(found.find(|rest| rest.target.key.cluster == held.cluster))
    }
}

/// The verb of the audit.
pub(crate) const WRITE_OFF: &str = "write-off";

fn refuse_unconfirmed(namespace: &NamespaceName, confirm: Option<&str>) -> Result<(), Error> {
    if confirm == Some(namespace.as_str()) {
        return Ok(());
    }
    let rule = format!(
        "must be '{namespace}', the namespace in which objects of the logical cloud may be left"
    );
    let violation = Violation::new(rule, confirm.unwrap_or_default());
    Err(Error::invalid(vec![violation.at("confirm")]))
}
