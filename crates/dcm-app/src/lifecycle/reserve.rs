//! Reservations: a namespace on a cluster belongs to the first logical cloud that wants it (T10).
//!
//! Whoever comes second is told that the namespace is not available, and nothing about the first. A
//! reservation is released by the synchronizer only, in the commit in which its target becomes absent.

use dcm_store::Expect;
use dcm_types::documents::{
    Cluster, ClusterHealth, HealthState, Level, LogicalCloud, Member, Reservation, Slice,
};
use dcm_types::{ClusterKey, Document as _, DocumentKind, Key, NamespaceName};

use crate::change::Change;
use crate::{App, Error};

impl App {
    /// Adds the reservations of all members to a change, which fails when one of them is taken or
    /// released meanwhile.
    pub(super) async fn reserve(
        &self,
        cloud: &LogicalCloud,
        namespace: &NamespaceName,
        members: &[Member],
        change: &mut Change,
    ) -> Result<(), Error> {
        for member in members {
            let wanted = Reservation {
                cluster: member.cluster.clone(),
                namespace: namespace.clone(),
                cloud: cloud.key.clone(),
                cloud_uid: cloud.uid,
            };
            let key = wanted.key();
            match self.find::<Reservation>(&key).await? {
                None => change.put(&wanted, Expect::Absent)?,
                Some(held) if held.document.cloud_uid == cloud.uid => {
                    change.assert(key, Expect::Number(held.version.number));
                }
                Some(held) => return Err(self.held_by_another(cloud, &held.document).await?),
            }
            change.assert(Key::cluster(&member.cluster), Expect::Exists);
        }
        Ok(())
    }

    /// Refuses permissions in a namespace that another logical cloud holds on one of the members; one that
    /// takes it meanwhile makes the change fail. What the store does not know of is seen in the member.
    pub(super) async fn respect(
        &self,
        cloud: &LogicalCloud,
        slice: &Slice,
        members: &[Member],
        change: &mut Change,
    ) -> Result<(), Error> {
        for namespace in slice.other_namespaces() {
            for member in members {
                let key = Key::reservation(&member.cluster, namespace);
                match self.find::<Reservation>(&key).await? {
                    None => change.assert(key, Expect::Absent),
                    Some(held) if held.document.cloud_uid == cloud.uid => {}
                    Some(_) => {
                        let hint = "name another namespace in the permission";
                        return Err(not_available(&member.cluster, namespace, hint));
                    }
                }
            }
        }
        Ok(())
    }

    /// The refusal of a namespace that another cloud holds. Only a deleted cloud of the same project is told
    /// of.
    async fn held_by_another(
        &self,
        cloud: &LogicalCloud,
        held: &Reservation,
    ) -> Result<Error, Error> {
        let project = self.require_project(&cloud.key.project).await?.document.uid;
        let tombstone = self.tombstone_of(held).await?;
        let hint = match tombstone.filter(|rest| rest.project_uid == project) {
            Some(rest) => format!(
                "tombstone {} holds it: '{}' was deleted while the cluster did not answer; wait until it \
                 does, write the tombstone off, or choose another namespace",
                rest.id, rest.target.key.cloud.cloud
            ),
            None => "choose another namespace for the logical cloud".to_owned(),
        };
        Ok(not_available(&held.cluster, &held.namespace, &hint))
    }

    /// Whether the namespace is held in every member. It is not where the cluster was forgotten.
    pub(super) async fn holds_all(
        &self,
        cloud: &LogicalCloud,
        namespace: &NamespaceName,
        members: &[Member],
    ) -> Result<bool, Error> {
        if cloud.level == Level::Admin {
            return Ok(true);
        }
        for member in members {
            let key = Key::reservation(&member.cluster, namespace);
            let held = self.find::<Reservation>(&key).await?;
            if held.is_none_or(|held| held.document.cloud_uid != cloud.uid) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Refuses clusters to which nothing is written, unless they are members already: an update of
    /// the others must not wait for them.
    pub(super) async fn refuse_unfit(
        &self,
        members: &[Member],
        known: &[Member],
    ) -> Result<(), Error> {
        let is_known = |member: &&Member| known.iter().any(|k| k.cluster == member.cluster);
        for member in members.iter().filter(|member| !is_known(member)) {
            let cluster = self.find::<Cluster>(&Key::cluster(&member.cluster)).await?;
            if cluster.is_some_and(|found| found.document.git_ops.is_used()) {
                return Err(Error::conflict(format!(
                    "nothing is written to cluster '{}': it is reached through a repository",
                    member.cluster
                ))
                .hint("register the cluster with a kubeconfig, or remove the cluster reference"));
            }
            let key = Key::of_cluster(DocumentKind::ClusterHealth, &member.cluster);
            let health = self.find::<ClusterHealth>(&key).await?;
            let refused = health.is_some_and(|h| h.document.state == HealthState::Refused);
            if refused {
                return Err(Error::conflict(format!(
                    "nothing is written to cluster '{}': its last check was refused",
                    member.cluster
                ))
                .hint("look at the status of the cluster, or remove the cluster reference"));
            }
        }
        Ok(())
    }
}

fn not_available(cluster: &ClusterKey, namespace: &NamespaceName, hint: &str) -> Error {
    Error::conflict(format!(
        "namespace '{namespace}' is not available on cluster '{cluster}'"
    ))
    .hint(hint)
}
