//! A session with a member: its connection, its limits, who we are there, and what we last saw of our
//! objects (as fingerprints, not as copies), so that our own writes do not wake us.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dcm_pki::kubeconfig::AdminCredential;
use dcm_types::ports::Randomness;
use dcm_types::{ClusterKey, Uid};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::Error;
use crate::mesh::definitions;
use crate::subject::Subject;
use crate::usage::{self, UsageNote};
use dcm_cluster::{CallError, ClusterApi, Object, Place, Resource};

mod authorities;
pub(crate) mod fingerprint;
pub(crate) mod gate;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod registry;
pub(crate) mod watching;

use fingerprint::Fingerprint;
use gate::Gates;
use limits::Limits;

/// Something happened to an object of ours in the member.
#[derive(Debug, Clone)]
pub(crate) struct MemberEvent {
    pub(crate) object: Arc<Object>,
    pub(crate) gone: bool,
}

/// Events kept for a run that waits; one that lags looks again instead.
const EVENT_BACKLOG: usize = 512;

/// A subject whose events we act on.
#[derive(Debug, Clone)]
struct Watched {
    key: Subject,
    /// While it is being removed only the end of the namespace and of the rest matters.
    removing: bool,
}

/// What a run or a watch last saw of an object.
#[derive(Debug, Clone, Copy)]
struct Known {
    fingerprint: Fingerprint,
    /// The cloud that it belongs to.
    owner: Option<Uid>,
}

/// A session with one cluster under one credential.
pub(crate) struct Member {
    pub(crate) key: ClusterKey,
    pub(crate) cluster_uid: Uid,
    pub(crate) credential_epoch: u64,
    pub(crate) credential: AdminCredential,
    /// Our own user name there.
    pub(crate) user_name: String,
    pub(crate) api: Arc<dyn ClusterApi>,
    pub(crate) limits: Arc<Limits>,
    authorities: authorities::Known,
    gates: Arc<Gates>,
    events: broadcast::Sender<MemberEvent>,
    outlets: Outlets,
    known: Mutex<HashMap<Place, Known>>,
    watched: Mutex<HashMap<String, Watched>>,
    stirred: Mutex<HashMap<Subject, BTreeMap<Place, Option<Fingerprint>>>>,
    /// What a run works on: see [`Member::work_on`].
    worked_on: Mutex<HashSet<Subject>>,
    started: AtomicBool,
    /// Whether what only privileged clouds have is watched, too.
    started_outside: AtomicBool,
    /// What only meshes have, as far as it is watched.
    started_of_meshes: Mutex<BTreeSet<Resource>>,
    /// What is known of the definitions of kinds that meshes need.
    pub(crate) definitions: definitions::Known,
    /// Ends the watches when the session is replaced or dropped.
    pub(crate) ended: CancellationToken,
}

/// Where sessions tell what they see.
#[derive(Clone)]
pub(crate) struct Outlets {
    /// What needs a run.
    pub(crate) nudges: mpsc::UnboundedSender<Subject>,
    /// What is used of quotas.
    pub(crate) usages: mpsc::UnboundedSender<UsageNote>,
    /// Spreads what watches do at the same time.
    pub(crate) randomness: Arc<dyn Randomness>,
    /// Clusters with a new session, which watches nothing yet of what the one before watched.
    pub(crate) reopened: mpsc::UnboundedSender<ClusterKey>,
}

/// What makes a session.
pub(crate) struct MemberParts {
    pub(crate) key: ClusterKey,
    pub(crate) cluster_uid: Uid,
    pub(crate) credential_epoch: u64,
    pub(crate) credential: AdminCredential,
    pub(crate) user_name: String,
    pub(crate) api: Arc<dyn ClusterApi>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) gates: Arc<Gates>,
    pub(crate) outlets: Outlets,
    pub(crate) ended: CancellationToken,
}

impl Member {
    pub(crate) fn new(parts: MemberParts) -> Self {
        Self {
            key: parts.key,
            cluster_uid: parts.cluster_uid,
            credential_epoch: parts.credential_epoch,
            credential: parts.credential,
            user_name: parts.user_name,
            api: parts.api,
            limits: parts.limits,
            authorities: authorities::Known::default(),
            gates: parts.gates,
            events: broadcast::channel(EVENT_BACKLOG).0,
            outlets: parts.outlets,
            known: Mutex::default(),
            watched: Mutex::default(),
            stirred: Mutex::default(),
            worked_on: Mutex::default(),
            started: AtomicBool::new(false),
            started_outside: AtomicBool::new(false),
            started_of_meshes: Mutex::default(),
            definitions: definitions::Known::default(),
            ended: parts.ended,
        }
    }

    /// Takes in that a watch could not be opened. When that is about the member as a whole, the session ends:
    /// what wants one waits at the gate, this watch too.
    fn lost(&self, error: CallError) {
        let error = Error::from(error);
        if error.shuts_the_gate() {
            self.ended.cancel();
            self.gates.shut(&self.key, Arc::new(error));
        }
    }

    /// Starts the watches, once.
    pub(crate) fn ensure_watching(self: &Arc<Self>, config: &Config) {
        if !self.started.swap(true, Ordering::AcqRel) {
            self.watch_all(&Resource::STANDARD, config);
        }
    }

    /// Starts the watches of what only privileged clouds have, once: a credential may do without the
    /// right to it where there are none.
    pub(crate) fn ensure_watching_outside(self: &Arc<Self>, config: &Config) {
        if !self.started_outside.swap(true, Ordering::AcqRel) {
            self.watch_all(&Resource::PRIVILEGED, config);
        }
    }

    /// Starts the watches of what a mesh has, each once: a cluster need not serve what no mesh has there.
    pub(crate) fn ensure_watching_mesh(
        self: &Arc<Self>,
        kinds: impl Iterator<Item = Resource>,
        config: &Config,
    ) {
        for resource in kinds {
            if Resource::PRIVILEGED.contains(&resource) {
                self.ensure_watching_outside(config);
            }
            let is_new = || self.started_of_meshes.lock().insert(resource);
            if Resource::MESH.contains(&resource) && is_new() {
                self.watch_all(&[resource], config);
            }
        }
    }

    fn watch_all(self: &Arc<Self>, resources: &[Resource], config: &Config) {
        let pace = watching::Pace {
            idle: config.watch_idle.get(),
            // Without a watch the list is what finds drift.
            longest_pause: config.scan_interval.get().min(config.backoff_cap.get()),
            rescan: config.rescan_interval.get(),
        };
        for resource in resources {
            watching::spawn(self, *resource, pace);
        }
    }

    /// Acts on events of a subject from now on.
    pub(crate) fn watch_subject(&self, cloud: Uid, key: &Subject, removing: bool) {
        let watched = Watched {
            key: key.clone(),
            removing,
        };
        self.watched.lock().insert(cloud.to_string(), watched);
    }

    /// Stops acting on events of a subject, and forgets what was seen of it.
    pub(crate) fn unwatch_subject(&self, cloud: Uid, places: impl Iterator<Item = Place>) {
        self.watched.lock().remove(&cloud.to_string());
        let mut known = self.known.lock();
        for place in places {
            known.remove(&place);
        }
    }

    /// Events from now on, for a run that waits.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<MemberEvent> {
        self.events.subscribe()
    }

    /// Remembers what a run read or wrote.
    pub(crate) fn learn(&self, object: &Object) {
        self.note_usage(object, false);
        if let Some(place) = object.place() {
            let known = Known {
                fingerprint: Fingerprint::of(object),
                owner: Uid::parse(object.owner()),
            };
            self.known.lock().insert(place, known);
        }
    }

    /// Tells what is used of a quota of a target that is not being removed.
    pub(crate) fn note_usage(&self, object: &Object, gone: bool) {
        if object.kind() != Resource::ResourceQuota.kind() {
            return;
        }
        let key = match self.watched.lock().get(object.owner()) {
            Some(Watched {
                key: Subject::Target(key),
                removing: false,
            }) => key.clone(),
            _ => return,
        };
        let Some(cloud_uid) = Uid::parse(object.owner()) else {
            return;
        };
        let state = (!gone).then(|| usage::read(object));
        let note = UsageNote {
            key,
            cloud_uid,
            name: object.name().to_owned(),
            version: object.resource_version().parse().ok(),
            state,
        };
        // Nobody listens at shutdown only; then nobody needs it.
        drop(self.outlets.usages.send(note));
    }

    /// Remembers that an object is gone.
    pub(crate) fn forget(&self, place: &Place) {
        self.known.lock().remove(place);
    }

    /// Where objects of ours were last seen, of one kind.
    fn places(&self, resource: Resource) -> BTreeSet<Place> {
        let known = self.known.lock();
        let places = known.keys().filter(|place| place.resource == resource);
        places.cloned().collect()
    }

    /// Takes in that an object is not in a list any more, and asks for a run of whatever it belonged to.
    fn vanished(&self, place: &Place) {
        let known = self.known.lock().get(place).copied();
        let owner = known.and_then(|known| known.owner);
        let watched = owner.and_then(|owner| {
            let watched = self.watched.lock();
            watched.get(&owner.to_string()).map(|w| w.key.clone())
        });
        // Before the run, which learns what is there: what it does not make again is not missed again.
        self.forget(place);
        if let Some(key) = watched {
            self.nudge(key);
        }
    }

    fn nudge(&self, key: Subject) {
        // The driver ends before the members do only at shutdown; then nobody needs the nudge.
        drop(self.outlets.nudges.send(key));
    }

    /// Whether what a watch showed differs from what a run last saw.
    fn differs(&self, place: &Place, fingerprint: Option<Fingerprint>) -> bool {
        let known = self.known.lock().get(place).map(|known| known.fingerprint);
        known != fingerprint
    }

    /// What an event concerns, if it is one that may need a run.
    fn subject_of(&self, object: &Object, place: &Place) -> Option<Subject> {
        let watched = self.watched.lock();
        let watched = watched.get(object.owner())?;
        let matters = !watched.removing
            || matches!(
                place.resource,
                Resource::Namespace | Resource::ConfigMap | Resource::CertificateSigningRequest
            );
        matters.then(|| watched.key.clone())
    }
}
