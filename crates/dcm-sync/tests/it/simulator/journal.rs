//! What must hold over every prefix of what happened to the objects of a member: quota before access (I4), no
//! generation goes back (I6), nothing of others is touched (I7, I8), only our own requests are approved (I14).

use std::collections::{BTreeMap, BTreeSet};

use dcm_testkit::kubesim::{Member, Written};
use dcm_types::documents::Revision;
use dcm_types::member_name::{OWNER_LABEL, SYSTEM_NAMESPACE, role_binding};
use serde_json::Value;

use super::observer::Observer;

/// The name under which we call.
const WE: &str = "kubesim-admin";
/// The label of requests that try the signer; they belong to no cloud.
const PROBE_LABEL: &str = "dcm.internal/probe";

/// Namespace and name.
type Place = (String, String);

struct Replay<'a> {
    member: &'a str,
    observer: &'a Observer,
    /// The highest generation that the anchor of an owner ever had.
    generations: BTreeMap<String, u64>,
    quotas: BTreeMap<Place, Value>,
    bindings: BTreeMap<Place, Standing>,
    going: BTreeSet<String>,
    found: Vec<String>,
}

/// A binding that stands, and the generation of the anchor when it was made.
struct Standing {
    owner: String,
    since: u64,
}

/// What was violated.
pub(crate) fn check(member: &Member, observer: &Observer) -> Vec<String> {
    let mut replay = Replay {
        member: member.name(),
        observer,
        generations: BTreeMap::new(),
        quotas: BTreeMap::new(),
        bindings: BTreeMap::new(),
        going: BTreeSet::new(),
        found: Vec::new(),
    };
    for entry in member.journal().entries() {
        replay.take(&entry);
    }
    replay.found
}

fn owner(object: &Value) -> &str {
    object["metadata"]["labels"][OWNER_LABEL]
        .as_str()
        .unwrap_or_default()
}

fn place(object: &Value) -> Place {
    let text = |name: &str| {
        object["metadata"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}

impl Replay<'_> {
    fn report(&mut self, invariant: &str, entry: &Written, what: &str) {
        let (namespace, name) = place(&entry.after);
        let kind = &entry.after["kind"];
        let (member, at) = (self.member, entry.at);
        self.found.push(format!(
            "{invariant}: {member} at {at}: {kind} {namespace}/{name}: {what}"
        ));
    }

    fn take(&mut self, entry: &Written) {
        if entry.by == WE {
            self.only_our_own(entry);
            self.only_our_requests(entry);
        }
        let place = place(&entry.after);
        match entry.after["kind"].as_str().unwrap_or_default() {
            "ConfigMap" => self.generation(entry),
            "Namespace" if entry.gone => drop(self.going.remove(&place.1)),
            "Namespace" if !entry.after["metadata"]["deletionTimestamp"].is_null() => {
                self.going.insert(place.1);
            }
            "ResourceQuota" if entry.gone => {
                self.quotas.remove(&place);
                self.standing(entry);
            }
            "ResourceQuota" => {
                self.quotas.insert(place, entry.after.clone());
                self.standing(entry);
            }
            "RoleBinding" if entry.gone => drop(self.bindings.remove(&place)),
            "RoleBinding" if !owner(&entry.after).is_empty() => self.binding(entry, place),
            _ => {}
        }
    }

    /// I7, I8: what we change or delete was ours and stays the same owner's; what we make is somebody's.
    fn only_our_own(&mut self, entry: &Written) {
        let after = &entry.after;
        let is_probe = |object: &Value| !object["metadata"]["labels"][PROBE_LABEL].is_null();
        if let Some(before) = &entry.before {
            if is_probe(before) {
                return;
            }
            if !self.observer.knows(owner(before)) {
                self.report("I8", entry, "it was not ours");
            } else if owner(before) != owner(after) {
                self.report("I7", entry, "its owner changed");
            }
            return;
        }
        let (namespace, name) = place(after);
        if is_probe(after) || (after["kind"] == "Namespace" && name == SYSTEM_NAMESPACE) {
            return;
        }
        let Some(revision) = self.observer.revision(owner(after), 1) else {
            return self.report("I8", entry, "it was made for nobody");
        };
        let own = revision.slice.namespace.as_str();
        let allowed = ["", SYSTEM_NAMESPACE, own].contains(&namespace.as_str());
        let is_namespace = after["kind"] == "Namespace";
        if !allowed || (is_namespace && name != own) {
            self.report("I7", entry, "it is not in the namespace of its owner");
        }
    }

    /// I14: what we approve is what we sent, under our name.
    fn only_our_requests(&mut self, entry: &Written) {
        let approved = |object: &Value| {
            let conditions = object["status"]["conditions"].as_array();
            let mut conditions = conditions.into_iter().flatten();
            conditions.any(|condition| condition["type"] == "Approved")
        };
        let after = &entry.after;
        let newly = approved(after) && !entry.before.as_ref().is_some_and(approved);
        if after["kind"] != "CertificateSigningRequest" || entry.gone || !newly {
            return;
        }
        let sent = self.observer.request(&place(after).1);
        if sent.as_deref() != after["spec"]["request"].as_str() {
            self.report("I14", entry, "what was approved is not what we asked for");
        }
        if after["spec"]["username"] != WE {
            self.report("I14", entry, "what was approved was asked for by another");
        }
    }

    /// I6: the generation of an anchor only grows, also when it is made anew.
    fn generation(&mut self, entry: &Written) {
        let after = &entry.after;
        let text = after["metadata"]["annotations"]["dcm.internal/generation"].as_str();
        let generation = text.and_then(|text| text.parse::<u64>().ok());
        if entry.gone || owner(after).is_empty() {
            return;
        }
        let Some(generation) = generation else {
            return;
        };
        let highest = self.generations.entry(owner(after).to_owned()).or_default();
        let before = *highest;
        *highest = generation.max(before);
        if generation < before {
            self.report("I6", entry, &format!("from {before} back to {generation}"));
        }
    }

    fn binding(&mut self, entry: &Written, place: Place) {
        let owner = owner(&entry.after).to_owned();
        let anchor = self.generations.get(&owner).copied().unwrap_or(0);
        if self.going.contains(&place.0) {
            return;
        }
        // Where calls of others may be under way, it may be of the first wish that knew it.
        let since = if self.observer.is_alone() {
            anchor
        } else {
            self.first_wished(&owner, &place.1, anchor)
        };
        if entry.before.is_none() {
            let standing = Standing { owner, since };
            self.bindings.insert(place, standing);
            self.standing(entry);
        }
    }

    /// The first generation from which on a binding was wished up to this one.
    fn first_wished(&self, owner: &str, binding: &str, anchor: u64) -> u64 {
        let wishes = |generation: u64| {
            let revision = self.observer.revision(owner, generation);
            revision.is_some_and(|revision| has_binding(&revision, binding))
        };
        let mut since = anchor;
        while since > 1 && wishes(since - 1) {
            since -= 1;
        }
        since
    }

    /// I4: for each binding that stands, the quotas of its generation are in force, as of then or later.
    fn standing(&mut self, entry: &Written) {
        let wrong = self
            .bindings
            .iter()
            .find_map(|((namespace, name), standing)| {
                if self.going.contains(namespace) {
                    return None;
                }
                let why = self.unguarded(namespace, standing)?;
                Some(format!("{namespace}/{name} opens it while {why}"))
            });
        if let Some(wrong) = wrong {
            self.report("I4", entry, &wrong);
        }
    }

    fn unguarded(&self, namespace: &str, standing: &Standing) -> Option<String> {
        let owner = &standing.owner;
        let anchor = self.generations.get(owner).copied().unwrap_or(0);
        let revision = |generation| self.observer.revision(owner, generation);
        let (first, last) = (revision(standing.since)?, revision(anchor)?);
        let limits = |revision: &Revision, name: &str| {
            let mut quotas = revision.slice.quotas.iter();
            let quota = quotas.find(|quota| quota.name.as_str() == name)?;
            serde_json::to_value(&quota.limits).ok()
        };
        for quota in &first.slice.quotas {
            let name = quota.name.as_str();
            if limits(&last, name).is_none() {
                continue;
            }
            let Some(live) = self.quotas.get(&(namespace.to_owned(), name.to_owned())) else {
                return Some(format!("quota {name} is not there"));
            };
            let hard = &live["status"]["hard"];
            let mut allowed = (standing.since..=anchor)
                .filter_map(revision)
                .filter_map(|revision| limits(&revision, name));
            if !allowed.any(|limits| limits == *hard) {
                return Some(format!("quota {name} has {hard} in force"));
            }
        }
        None
    }
}

fn has_binding(revision: &Revision, name: &str) -> bool {
    revision.slice.permissions.iter().any(|permission| {
        let mut users = revision.slice.users.iter();
        let user = users.find(|user| user.name == permission.user);
        user.is_some_and(|user| {
            let permission_name = permission.name.as_str();
            let (cloud, identity) = (revision.cloud_uid, &user.identity);
            role_binding(cloud, permission.uid, permission_name, identity) == name
        })
    })
}
