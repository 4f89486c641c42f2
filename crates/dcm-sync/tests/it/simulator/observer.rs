//! What must hold at every write: an honest status (I10) and epochs that only grow (I3). It also keeps what
//! the checks over the journal need: the wishes, and the certificate requests that we sent.

use std::collections::BTreeMap;

use dcm_cluster::{Call, Resource};
use dcm_store::{Batch, Operation};
use dcm_testkit::kubesim::Member;
use dcm_types::documents::{
    Access, ClusterHealth, HealthState, ObjectIdentity, Observed, Revision, Target,
};
use dcm_types::member_name::OWNER_LABEL;
use dcm_types::{DocumentKind, Uid};
use parking_lot::Mutex;

use super::invariants::owned;

#[derive(Default)]
struct Seen {
    commits: u64,
    violations: Vec<String>,
    epochs: BTreeMap<(String, Uid), u64>,
    requests: BTreeMap<String, String>,
    revisions: BTreeMap<(String, u64), Revision>,
}

/// Sees every write.
pub(crate) struct Observer {
    members: Vec<Member>,
    /// Whether nobody else changes anything meanwhile: then what is said must be true to the moment.
    alone: bool,
    seen: Mutex<Seen>,
}

impl Observer {
    pub(crate) fn new(members: Vec<Member>, alone: bool) -> Self {
        Self {
            members,
            alone,
            seen: Mutex::default(),
        }
    }

    /// A wish was accepted.
    pub(crate) fn wished(&self, revision: &Revision) {
        let mut seen = self.seen.lock();
        seen.commits += 1;
        let key = (revision.cloud_uid.to_string(), revision.generation);
        seen.revisions.insert(key, revision.clone());
    }

    /// Grows with every write.
    pub(crate) fn commits(&self) -> u64 {
        self.seen.lock().commits
    }

    /// Whether nobody but one synchronizer at a time is there.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.seen.lock().violations.clone()
    }

    /// The wish of a generation of a cloud, by its uid.
    pub(crate) fn revision(&self, owner: &str, generation: u64) -> Option<Revision> {
        let key = (owner.to_owned(), generation);
        self.seen.lock().revisions.get(&key).cloned()
    }

    /// Whether a cloud of this uid was ever wished.
    pub(crate) fn knows(&self, owner: &str) -> bool {
        self.revision(owner, 1).is_some()
    }

    /// The request that we sent under this name, as it stands in its object.
    pub(crate) fn request(&self, name: &str) -> Option<String> {
        self.seen.lock().requests.get(name).cloned()
    }

    /// A call is sent.
    pub(crate) fn sent(&self, call: &Call) {
        if let Call::Create(object) = call
            && object.kind() == Resource::CertificateSigningRequest.kind()
        {
            let request = object.text("/spec/request").to_owned();
            let name = object.name().to_owned();
            self.seen.lock().requests.insert(name, request);
        }
    }

    /// A synchronizer wrote something.
    pub(crate) fn committed(&self, batch: &Batch) {
        self.seen.lock().commits += 1;
        for operation in &batch.operations {
            let Operation::Put { key, body, .. } = operation else {
                continue;
            };
            let found = match key.kind() {
                DocumentKind::Target => self.target(&serde_json::from_str(body).unwrap()),
                DocumentKind::ClusterHealth => health(&serde_json::from_str(body).unwrap()),
                DocumentKind::Access => self.access(&serde_json::from_str(body).unwrap()),
                _ => None,
            };
            self.seen.lock().violations.extend(found);
        }
    }

    fn access(&self, access: &Access) -> Option<String> {
        let key = (format!("{} {}", access.target, access.user), access.uid);
        let latest = access.latest_epoch();
        let before = self.seen.lock().epochs.insert(key, latest).unwrap_or(0);
        let target = &access.target;
        (latest < before).then(|| format!("I3: epoch of {target} went from {before} to {latest}"))
    }

    fn target(&self, target: &Target) -> Option<String> {
        let name = target.key.cluster.cluster.as_str();
        let member = self.members.iter().find(|member| member.name() == name)?;
        let owner = target.cloud_uid.to_string();
        match &target.observed {
            Observed::Unknown => None,
            Observed::Absent => {
                let left = owned(member, &owner);
                let left = (!left.is_empty()).then_some(left)?;
                Some(format!(
                    "I10: {} is said to be absent, with {left:?}",
                    target.key
                ))
            }
            Observed::Known { generation, .. } => {
                let lacks = |object: &&ObjectIdentity| {
                    !stands(member, object, &owner) && (self.alone || !changed(member, object))
                };
                let missing = target.inventory.iter().find(lacks)?;
                Some(format!(
                    "I10: {} is said to be known at {generation}, without {missing:?}",
                    target.key
                ))
            }
        }
    }
}

/// No member is ever another cluster, or registered twice.
fn health(health: &ClusterHealth) -> Option<String> {
    let refused = health.state == HealthState::Refused;
    refused.then(|| {
        format!(
            "I10: {} is said to be refused: {:?}",
            health.key, health.findings
        )
    })
}

/// Where an object is.
fn path(object: &ObjectIdentity) -> String {
    let resource = Resource::of_kind(&object.kind).unwrap();
    let root = match resource.group() {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    let plural = resource.plural();
    match &object.namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}/{}", object.name),
        None => format!("{root}/{plural}/{}", object.name),
    }
}

fn stands(member: &Member, identity: &ObjectIdentity, owner: &str) -> bool {
    let Some(object) = member.object(&path(identity)) else {
        return false;
    };
    let in_force =
        identity.kind != "ResourceQuota" || object["spec"]["hard"] == object["status"]["hard"];
    object["metadata"]["labels"][OWNER_LABEL] == owner && in_force
}

/// Whether somebody else changed or removed it while a run was under way, which then could not know.
fn changed(member: &Member, identity: &ObjectIdentity) -> bool {
    let entries = member.journal().entries();
    let mut entries = entries.iter().rev();
    let last = entries.find(|entry| {
        let metadata = &entry.after["metadata"];
        entry.after["kind"] == identity.kind.as_str()
            && metadata["name"] == identity.name.as_str()
            && metadata["namespace"].as_str() == identity.namespace.as_deref()
    });
    last.is_some_and(|entry| entry.before.is_some())
}
