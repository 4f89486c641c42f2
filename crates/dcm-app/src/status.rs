//! The status of a logical cloud: what is wished, joined with what the synchronizer recorded of each
//! member. Nothing here asks a cluster; every member says how old its state is.

mod follow;
mod hub;
mod member;
mod wait;

pub use follow::{Followed, Following};
pub(crate) use hub::Hub;
pub use wait::Until;

use std::collections::{BTreeMap, HashMap};

use dcm_store::{Scope, StoreExt as _, Versioned};
use dcm_types::documents::{
    Cluster, ClusterReference, Level, LogicalCloud, QuotaState, QuotaUsage, Reservation, Revision,
    Target, Wish,
};
use dcm_types::status::{CloudStatus, MemberState, MemberStatus};
use dcm_types::{CloudKey, ClusterKey, Index, Key, Timestamp};

use crate::references::kubeconfigs_until;
use crate::settle::settle;
use crate::{App, Error, Principal};
use member::{Expected, state_of};

/// What is known of one member.
#[derive(Default)]
struct Known {
    target: Option<Target>,
    /// A namespace is held for it, so something of the cloud is or may come to be there.
    reserved: bool,
    /// The cluster is registered; looked at only where nothing else is known.
    registered: bool,
}

impl App {
    /// Where a logical cloud stands.
    pub async fn cloud_status(
        &self,
        _who: &Principal,
        key: &CloudKey,
    ) -> Result<CloudStatus, Error> {
        self.current_status(key).await
    }

    /// For those who answered for the principal already.
    async fn current_status(&self, key: &CloudKey) -> Result<CloudStatus, Error> {
        settle(async || self.read_status(key).await).await
    }

    async fn read_status(&self, key: &CloudKey) -> Result<CloudStatus, Error> {
        let cloud = self.require_cloud(key).await?;
        let lifecycle = self.lifecycle_of(key).await?;
        let revision = self.current_revision(&cloud, lifecycle.as_ref()).await?;
        let members = self
            .member_statuses(&cloud.document, revision.as_ref())
            .await?;
        let paused_at = lifecycle.as_ref().and_then(|l| l.document.paused_at);
        let members = resting(members, paused_at.is_some());
        let lifecycle = lifecycle.map(|found| found.document);
        let history = lifecycle
            .as_ref()
            .map(|l| l.history.clone())
            .unwrap_or_default();
        Ok(CloudStatus {
            cloud: key.clone(),
            wanted_generation: lifecycle.as_ref().map_or(0, |l| l.generation),
            wish: lifecycle.as_ref().map(|l| l.wish),
            last_action: history.last().map(|record| record.action),
            created_at: cloud.document.created_at,
            privileged: revision
                .as_ref()
                .is_some_and(|wanted| wanted.slice.is_privileged()),
            drift: revision
                .as_ref()
                .map_or(cloud.document.drift, |wanted| wanted.slice.drift),
            paused_at,
            history,
            forgotten: lifecycle.as_ref().map_or(0, |l| l.forgotten),
            members,
            at: self.now(),
        })
    }

    async fn member_statuses(
        &self,
        cloud: &LogicalCloud,
        revision: Option<&Revision>,
    ) -> Result<Vec<MemberStatus>, Error> {
        let known = self.known_members(cloud, revision).await?;
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let below = || Scope::Under(cloud.key.path());
        let references: Vec<Versioned<ClusterReference>> = self.store().read_all(below()).await?;
        let accesses = self.accesses_of(cloud).await?;
        let usages: Vec<Versioned<QuotaUsage>> = self.store().read_all(below()).await?;
        // By cluster, since there may be a thousand of them.
        let names: HashMap<_, _> = references
            .iter()
            .map(|found| (&found.document.cluster, &found.document.name))
            .collect();
        let usages: HashMap<_, _> = usages
            .iter()
            .map(|found| (&found.document.key.cluster, &found.document))
            .collect();
        let until = kubeconfigs_until(&accesses, self.now());
        let statuses = known.into_iter().map(|(cluster, known)| {
            let reference = names.get(&cluster).map(|name| (*name).clone());
            let usage = usages.get(&cluster).copied();
            let quotas = quotas_of(revision, &cluster, usage);
            let until = until.get(&cluster).copied();
            let mut status = if is_untouched(revision, &cluster) {
                untouched(cluster, revision, known.registered)
            } else {
                assemble(cluster, known, revision, until)
            };
            status.quotas = quotas;
            status.reference = reference;
            status
        });
        // A member that was dropped and is clean is no part of a cloud that exists.
        let exists = revision.is_some_and(|revision| revision.wish == Wish::Present);
        Ok(statuses
            .filter(|status| !exists || status.state != MemberState::Absent)
            .collect())
    }

    /// The members of the wanted revision, and every cluster that something may be left in.
    async fn known_members(
        &self,
        cloud: &LogicalCloud,
        revision: Option<&Revision>,
    ) -> Result<BTreeMap<ClusterKey, Known>, Error> {
        let mut known: BTreeMap<ClusterKey, Known> = BTreeMap::new();
        for member in revision.into_iter().flat_map(|revision| &revision.members) {
            let entry = known.entry(member.cluster.clone()).or_default();
            if is_untouched(revision, &member.cluster) {
                let key = Key::cluster(&member.cluster);
                entry.registered = self.find::<Cluster>(&key).await?.is_some();
            }
        }
        // Reservations first: their release and the absence of the target are one commit, so a target
        // that is read afterwards is at least as new.
        let by_uid = Scope::Indexed(Index::Cloud, cloud.uid.to_string());
        let reservations = self.store().read_all::<Reservation>(by_uid).await?;
        for found in reservations {
            known.entry(found.document.cluster).or_default().reserved = true;
        }
        let below = Scope::Under(cloud.key.path());
        for found in self.store().read_all::<Target>(below).await? {
            let target = found.document;
            let cluster = target.key.cluster.clone();
            known.entry(cluster).or_default().target = Some(target);
        }
        Ok(known)
    }
}

/// Whether the cluster is a member of an admin cloud, in which nothing of ours shall exist.
fn is_untouched(revision: Option<&Revision>, cluster: &ClusterKey) -> bool {
    revision.is_some_and(|revision| revision.level == Level::Admin && revision.names(cluster))
}

/// A member of an admin cloud: it is as wished when it is there, because nothing is done to it.
fn untouched(cluster: ClusterKey, revision: Option<&Revision>, registered: bool) -> MemberStatus {
    let state = if registered {
        MemberState::Ready
    } else {
        MemberState::Blocked
    };
    MemberStatus {
        cluster,
        reference: None,
        state,
        applied_generation: revision
            .map(|revision| revision.generation)
            .filter(|_| registered),
        conditions: Vec::new(),
        objects: Vec::new(),
        last_error: None,
        checked_at: None,
        kubeconfig_until: None,
        quotas: Vec::new(),
    }
}

/// Where members stand while nobody works on them.
fn resting(mut members: Vec<MemberStatus>, paused: bool) -> Vec<MemberStatus> {
    let moving = members
        .iter_mut()
        .filter(|member| paused && member.state != MemberState::Absent);
    moving.for_each(|member| member.state = MemberState::Paused);
    members
}

/// Usage of the quotas that the wanted revision has, in its order.
fn quotas_of(
    revision: Option<&Revision>,
    cluster: &ClusterKey,
    usage: Option<&QuotaUsage>,
) -> Vec<QuotaState> {
    let (Some(revision), Some(usage)) = (revision, usage) else {
        return Vec::new();
    };
    if !revision.has_member(cluster) || usage.cloud_uid != revision.cloud_uid {
        return Vec::new();
    }
    let wanted = revision.slice.quotas.iter();
    wanted
        .filter_map(|quota| usage.quotas.iter().find(|u| u.name == quota.name.as_str()))
        .cloned()
        .collect()
}

fn assemble(
    cluster: ClusterKey,
    known: Known,
    revision: Option<&Revision>,
    kubeconfig_until: Option<Timestamp>,
) -> MemberStatus {
    let expected = match revision {
        Some(revision) if revision.has_member(&cluster) => Expected::Present(revision.generation),
        _ => Expected::Absent {
            reserved: known.reserved,
        },
    };
    let state = state_of(known.target.as_ref(), expected);
    let until = match expected {
        Expected::Present(_) => kubeconfig_until,
        Expected::Absent { .. } => None,
    };
    let Some(target) = known.target else {
        return MemberStatus {
            cluster,
            reference: None,
            state,
            applied_generation: None,
            conditions: Vec::new(),
            objects: Vec::new(),
            last_error: None,
            checked_at: None,
            kubeconfig_until: until,
            quotas: Vec::new(),
        };
    };
    MemberStatus {
        cluster,
        reference: None,
        state,
        applied_generation: target.applied_generation,
        conditions: target.conditions,
        objects: target.objects,
        last_error: target.last_error,
        checked_at: target.checked_at,
        kubeconfig_until: until,
        quotas: Vec::new(),
    }
}
