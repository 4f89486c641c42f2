//! Cluster references: which clusters are members of a logical cloud, and where their load balancers
//! are. A change takes effect with the next `update`.
//!
//! A cluster is referenced at most once per cloud. That is decided on the list of the cloud's references,
//! so every write of a reference commits with the cloud untouched since before the list was read: of two
//! racing creates the second decides again and is refused.

mod applied;
mod members;

use std::collections::HashMap;
use std::net::IpAddr;

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{Access, ClusterReference, LogicalCloud, Metadata};
use dcm_types::drafts::ReferenceDraft;
use dcm_types::{
    CloudKey, ClusterKey, Document as _, Key, ProviderName, ReferenceName, TargetKey, Timestamp,
    Violation,
};

use crate::change::Act;
use crate::integrity::{describe, missing, same_name};
use crate::settle::settle;
use crate::{App, Error, Precondition, Principal, Saved, Written};
use members::changed;

pub(crate) use members::{Members, name_from_cluster};

/// A reference, joined with the credential that was issued in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceDetail {
    /// The reference.
    pub reference: ClusterReference,
    /// Until when the kubeconfig that can be fetched is valid; `None` while there is none.
    pub kubeconfig_until: Option<Timestamp>,
}

impl App {
    /// Makes a cluster a member.
    pub async fn create_reference(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        draft: ReferenceDraft,
    ) -> Result<Saved<ReferenceDetail>, Error> {
        let saved = settle(async || {
            let members = self.members_of(cloud).await?;
            if let Some(taken) = draft.name.as_ref().and_then(|name| members.named(name)) {
                return Err(Error::taken(&describe(&taken.document.key())));
            }
            members.refuse_second(&draft.cluster, None)?;
            let reference = self.new_reference(&members, draft.clone());
            self.write_reference(who, &members, None, reference).await
        })
        .await?
        .saved;
        self.with_access(saved).await
    }

    /// Makes the cluster of this name in the path a member, or changes the reference of this name.
    pub async fn put_reference(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &ReferenceName,
        draft: ReferenceDraft,
        precondition: Precondition,
    ) -> Result<Written<ReferenceDetail>, Error> {
        if let Some(given) = &draft.name {
            same_name(name.as_str(), given.as_str())?;
        }
        let written = settle(async || {
            let members = self.members_of(cloud).await?;
            let found = members.named(name);
            precondition.check(found.as_ref())?;
            let reference = self.placed(&members, name, &draft)?;
            self.write_reference(who, &members, found, reference).await
        })
        .await?;
        Ok(Written {
            saved: self.with_access(written.saved).await?,
            created: written.created,
        })
    }

    /// Makes a cluster a member, or changes the address of its load balancer, in the dialect of the
    /// original design.
    pub async fn put_reference_of(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        cluster: &ClusterKey,
        load_balancer_address: Option<IpAddr>,
        precondition: Precondition,
    ) -> Result<Written<ReferenceDetail>, Error> {
        let written = settle(async || {
            let members = self.members_of(cloud).await?;
            let found = members.of_cluster(cluster);
            precondition.check(found.as_ref())?;
            let reference = match &found {
                Some(found) => ClusterReference {
                    load_balancer_address,
                    ..found.document.clone()
                },
                None => self.new_reference(
                    &members,
                    ReferenceDraft {
                        name: None,
                        metadata: Metadata::default(),
                        cluster: cluster.clone(),
                        load_balancer_address,
                    },
                ),
            };
            self.write_reference(who, &members, found, reference).await
        })
        .await?;
        Ok(Written {
            saved: self.with_access(written.saved).await?,
            created: written.created,
        })
    }

    /// Reads a reference by its name.
    pub async fn get_reference(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        name: &ReferenceName,
    ) -> Result<Saved<ReferenceDetail>, Error> {
        self.require_cloud(cloud).await?;
        let found = self.require(&Key::reference(cloud, name)).await?;
        self.with_access(found.into()).await
    }

    /// Reads the reference that names a cluster.
    pub async fn get_reference_of(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        cluster: &ClusterKey,
    ) -> Result<Saved<ReferenceDetail>, Error> {
        let found = self.members_of(cloud).await?.require_of(cluster)?;
        self.with_access(found.into()).await
    }

    /// Lists the references of a logical cloud, or those that name clusters of one provider.
    pub async fn list_references(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        provider: Option<&ProviderName>,
    ) -> Result<Vec<Saved<ReferenceDetail>>, Error> {
        let members = self.members_of(cloud).await?;
        let accesses = self.accesses_of(&members.cloud.document).await?;
        let until = kubeconfigs_until(&accesses, self.now());
        Ok(members
            .into_references()
            .filter(|found| provider.is_none_or(|p| &found.document.cluster.provider == p))
            .map(|found| {
                let until = until.get(&found.document.cluster).copied();
                Saved::from(found).map(|reference| ReferenceDetail {
                    reference,
                    kubeconfig_until: until,
                })
            })
            .collect())
    }

    /// Deletes a reference by its name.
    pub async fn delete_reference(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &ReferenceName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let members = self.members_of(cloud).await?;
            let key = Key::reference(cloud, name);
            let found = members.named(name).ok_or_else(|| missing(&key))?;
            precondition.check(Some(&found))?;
            self.drop_reference(who, &members, &found).await
        })
        .await
    }

    /// Deletes the reference that names a cluster.
    pub async fn delete_reference_of(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        cluster: &ClusterKey,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let members = self.members_of(cloud).await?;
            let found = members.require_of(cluster)?;
            precondition.check(Some(&found))?;
            self.drop_reference(who, &members, &found).await
        })
        .await
    }

    async fn drop_reference(
        &self,
        who: &Principal,
        members: &Members,
        found: &Versioned<ClusterReference>,
    ) -> Result<(), Error> {
        let cloud = &members.cloud.document.key;
        let key = Key::reference(cloud, &found.document.name);
        let mut change = members.untouched();
        change.delete(key.clone(), Expect::Number(found.version.number));
        let act = Act::done(who, cloud.project.as_str(), "delete", key);
        self.commit(change, act).await?;
        Ok(())
    }

    async fn write_reference(
        &self,
        who: &Principal,
        members: &Members,
        found: Option<Versioned<ClusterReference>>,
        reference: ClusterReference,
    ) -> Result<Written<ClusterReference>, Error> {
        let cluster = reference.cluster.clone();
        let mut change = members.untouched();
        change.assert(Key::cluster(&cluster), Expect::Exists);
        let project = members.cloud.document.key.project.as_str();
        self.write(who, project, found, reference, change)
            .await
            .map_err(|error| name_field(error, &cluster, "spec.cluster"))
    }

    /// What a draft makes of the reference of a name.
    fn placed(
        &self,
        members: &Members,
        name: &ReferenceName,
        draft: &ReferenceDraft,
    ) -> Result<ClusterReference, Error> {
        members.refuse_second(&draft.cluster, Some(name))?;
        match members.named(name) {
            Some(found) => changed(&found.document, draft),
            None => Ok(self.new_reference(
                members,
                ReferenceDraft {
                    name: Some(name.clone()),
                    ..draft.clone()
                },
            )),
        }
    }

    fn new_reference(&self, members: &Members, draft: ReferenceDraft) -> ClusterReference {
        let taken = |name: &ReferenceName| members.named(name).is_some();
        let name = draft
            .name
            .unwrap_or_else(|| name_from_cluster(&draft.cluster, taken));
        ClusterReference {
            uid: self.new_uid(),
            cloud: members.cloud.document.key.clone(),
            name,
            metadata: draft.metadata,
            cluster: draft.cluster,
            load_balancer_address: draft.load_balancer_address,
        }
    }

    async fn with_access(
        &self,
        saved: Saved<ClusterReference>,
    ) -> Result<Saved<ReferenceDetail>, Error> {
        let reference = &saved.document;
        let target = TargetKey {
            cloud: reference.cloud.clone(),
            cluster: reference.cluster.clone(),
        };
        let scope = Scope::Under(target.path());
        let accesses = self.store().read_all::<Access>(scope).await?;
        let until = kubeconfigs_until(&accesses, self.now());
        let until = until.get(&reference.cluster).copied();
        Ok(saved.map(|reference| ReferenceDetail {
            reference,
            kubeconfig_until: until,
        }))
    }

    pub(crate) async fn accesses_of(
        &self,
        cloud: &LogicalCloud,
    ) -> Result<Vec<Versioned<Access>>, Error> {
        let scope = Scope::Under(cloud.key.path());
        Ok(self.store().read_all(scope).await?)
    }
}

/// Names the field when it is this cluster that is missing.
pub(crate) fn name_field(error: Error, cluster: &ClusterKey, field: &str) -> Error {
    let key = Key::cluster(cluster);
    if !error.is_missing(&key) {
        return error;
    }
    let rule = format!("names a cluster that is not registered: {}", describe(&key));
    let fault = Violation::new(rule, &cluster.path()).at(field);
    error.hint("register the cluster first").fault(fault)
}

/// For each cluster, until when every user can use what is handed out for it; those who get nothing yet
/// aside.
pub(crate) fn kubeconfigs_until(
    accesses: &[Versioned<Access>],
    now: Timestamp,
) -> HashMap<&ClusterKey, Timestamp> {
    let mut until = HashMap::new();
    for access in accesses {
        let access = &access.document;
        let current = access.current.as_ref();
        if let Some(current) = current.filter(|c| c.usable && c.not_after > now) {
            let earliest = until
                .entry(&access.target.cluster)
                .or_insert(current.not_after);
            *earliest = current.not_after.min(*earliest);
        }
    }
    until
}
