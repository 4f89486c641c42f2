//! What must hold at rest: every wish fulfilled (I2), no orphan (I1), one certificate that is the stored
//! key's (I3), a status that the members bear out (I10), and the journal of each member (see `journal`).

use std::collections::{BTreeMap, BTreeSet};

use dcm_pki::UserKey;
use dcm_store::vault::Place;
use dcm_store::{Scope, StoreExt as _};
use dcm_testkit::kubesim::Member;
use dcm_types::documents::{
    Access, ClusterHealth, HealthState, Lifecycle, Observed, Proof, Reservation, Revision, Target,
    Wish,
};
use dcm_types::sealed::Purpose;
use dcm_types::{ClusterKey, Document as _, DocumentKind, Key, TargetKey};
use secrecy::ExposeSecret as _;

use super::journal;
use super::stage::Stage;
use crate::world::is_ready;

/// Lists of everything that we ever write.
const LISTS: [&str; 11] = [
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/resourcequotas",
    "/api/v1/limitranges",
    "/api/v1/serviceaccounts",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
];

/// An object of a member: list, namespace, name.
pub(crate) type Name = (&'static str, String, String);

/// Everything that carries an owner label of ours, by owner.
fn all_owned(member: &Member) -> BTreeMap<String, BTreeSet<Name>> {
    let mut all: BTreeMap<String, BTreeSet<Name>> = BTreeMap::new();
    for path in LISTS {
        let list = member.object(&format!("{path}?labelSelector=dcm.internal%2Fcloud"));
        let plural = path.rsplit('/').next().unwrap();
        for item in list.unwrap()["items"].as_array().unwrap() {
            let metadata = &item["metadata"];
            let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
            let owner = metadata["labels"]["dcm.internal/cloud"].as_str().unwrap();
            let name = (plural, text("namespace"), text("name"));
            all.entry(owner.to_owned()).or_default().insert(name);
        }
    }
    all
}

/// Everything of one owner.
pub(crate) fn owned(member: &Member, owner: &str) -> BTreeSet<Name> {
    all_owned(member).remove(owner).unwrap_or_default()
}

impl Stage {
    /// What is still to be done; `None`: every wish is fulfilled, and says so.
    pub(crate) async fn unsettled(&self) -> Option<String> {
        for revision in self.wishes.values() {
            let key = Key::of_cloud(DocumentKind::Lifecycle, &revision.cloud);
            let lifecycle = self.store.read::<Lifecycle>(&key).await.unwrap();
            let generation = lifecycle.map(|found| found.document.generation);
            if generation != Some(revision.generation) {
                return Some(format!("{}: the wish is lost", revision.cloud));
            }
            for cluster in &self.clusters {
                if let Some(why) = self.unsettled_target(revision, cluster).await {
                    return Some(why);
                }
            }
        }
        for cluster in &self.clusters[..self.registered] {
            let key = Key::of_cluster(DocumentKind::ClusterHealth, cluster);
            let health = self.store.read::<ClusterHealth>(&key).await.unwrap();
            let state = health.map(|found| found.document.state);
            if state != Some(HealthState::Healthy) {
                return Some(format!("{cluster} is {state:?}"));
            }
        }
        None
    }

    async fn unsettled_target(&self, revision: &Revision, cluster: &ClusterKey) -> Option<String> {
        let key = TargetKey {
            cloud: revision.cloud.clone(),
            cluster: cluster.clone(),
        };
        let target = self.store.read::<Target>(&Key::target(&key)).await.unwrap();
        let target = target.map(|found| found.document);
        let held = Key::reservation(cluster, &revision.slice.namespace);
        let held = self.store.read::<Reservation>(&held).await.unwrap();
        let accesses = self.store.read_all::<Access>(Scope::Under(key.path()));
        let accesses = accesses.await.unwrap();
        let is_member = revision.has_member(cluster);
        let done = match &target {
            Some(target) if is_member => is_ready(target, revision.generation),
            None => !is_member,
            Some(target) => {
                revision.wish == Wish::Absent
                    && target.observed == Observed::Absent
                    && target.applied_generation == Some(revision.generation)
            }
        };
        let issued = |access: &Access| {
            access.pending.is_none() && access.current.as_ref().is_some_and(|c| c.usable)
        };
        let users = revision.slice.users.len();
        let opened = if is_member {
            accesses.len() == users && accesses.iter().all(|a| issued(&a.document))
        } else {
            accesses.is_empty()
        };
        let settled = done && opened && held.is_some() == is_member;
        (!settled).then(|| {
            let error = target.as_ref().and_then(|target| target.last_error.clone());
            let observed = target.map(|target| (target.observed, target.wanted_generation));
            let generation = revision.generation;
            format!("{key}: wished {generation} (member: {is_member}), is {observed:?}, held: {}, accesses: {}, error: {error:?}", held.is_some(), accesses.len())
        })
    }

    /// Everything that must hold at rest.
    pub(crate) async fn violations(&self) -> Vec<String> {
        let mut found = self.observer.violations();
        for (cluster, member) in self.clusters.iter().zip(&self.members) {
            self.no_orphans(cluster, member, &mut found).await;
            found.extend(journal::check(member, &self.observer));
        }
        self.certificates(&mut found).await;
        found
    }

    /// I1: what carries an owner is what the wish of that owner and the inventory say.
    async fn no_orphans(&self, cluster: &ClusterKey, member: &Member, found: &mut Vec<String>) {
        let mut all = all_owned(member);
        for revision in self.wishes.values() {
            let owner = revision.cloud_uid.to_string();
            if !revision.has_member(cluster) {
                continue;
            }
            let mut there = all.remove(&owner).unwrap_or_default();
            // Requests end by themselves: the cluster collects them.
            there.retain(|(list, _, _)| *list != "certificatesigningrequests");
            let key = TargetKey {
                cloud: revision.cloud.clone(),
                cluster: cluster.clone(),
            };
            let target = self.store.read::<Target>(&Key::target(&key)).await.unwrap();
            let inventory = target.map(|target| target.document.inventory);
            let recorded: BTreeSet<(String, String)> = inventory
                .into_iter()
                .flatten()
                .map(|object| (object.namespace.unwrap_or_default(), object.name))
                .collect();
            let count = |wanted: &str| there.iter().filter(|(list, _, _)| *list == wanted).count();
            let slice = &revision.slice;
            let counts = ["namespaces", "roles", "rolebindings", "resourcequotas"].map(count);
            let permissions = slice.permissions.len();
            let wished = [1, permissions, permissions, slice.quotas.len()];
            let names: BTreeSet<_> = there
                .iter()
                .map(|(_, n, name)| (n.clone(), name.clone()))
                .collect();
            if counts != wished || names != recorded {
                found.push(format!(
                    "I1: {key}: namespaces, roles, bindings, quotas are {counts:?}, wished {wished:?}; {names:?} stand, {recorded:?} are recorded"
                ));
            }
        }
        for (owner, objects) in all {
            found.push(format!("I1: {cluster} holds of {owner}: {objects:?}"));
        }
    }

    /// I3: the certificate of each access is the stored key's, and opens the member.
    async fn certificates(&self, found: &mut Vec<String>) {
        let accesses = self.store.read_all::<Access>(Scope::All).await.unwrap();
        for access in accesses.into_iter().map(|access| access.document) {
            let name = access.target.cluster.cluster.as_str();
            let member = self.members.iter().find(|member| member.name() == name);
            let Some(current) = &access.current else {
                continue;
            };
            let Proof::Certificate {
                certificate_pem,
                key,
            } = &current.proof
            else {
                continue;
            };
            let document = access.key();
            let place = Place {
                key: &document,
                uid: access.uid,
                field: "key",
                epoch: current.epoch,
            };
            // No user of the simulator keeps the key.
            let key = key.as_ref().unwrap();
            let plain = self.vault.unseal(Purpose::UserKey, &place, key).unwrap();
            let pem = std::str::from_utf8(plain.expose_secret()).unwrap();
            let key = UserKey::from_pem(&pem.into()).unwrap();
            let public = key.public_key_der();
            let verdict =
                dcm_pki::verify_issued(certificate_pem, &public, &access.identity, self.now());
            if let Err(mismatch) = verdict {
                found.push(format!("I3: {}: {mismatch}", access.target));
            }
            let opens = member.and_then(|member| member.user(certificate_pem));
            if opens.is_none_or(|user| user.name != access.identity) {
                found.push(format!("I3: {} does not open its member", access.target));
            }
        }
    }
}
