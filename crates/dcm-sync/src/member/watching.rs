//! The watches of a session: drift, certificates and quotas are seen at once, and only what a run did
//! not do itself asks for another run.
//!
//! One list and one watch per kind serve all logical clouds of a member. The list is repeated from time to
//! time, so that an event that a watch never showed costs latency only.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;

use super::fingerprint::Fingerprint;
use super::{Member, MemberEvent};
use crate::mesh::secret;
use crate::subject::Subject;
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, Object, Resource, WatchEvent};
use dcm_types::member_name::OWNER_LABEL;

/// How long an event may wait for the answer of the call that caused it.
const DEBOUNCE: Duration = Duration::from_millis(40);
/// First pause before a watch is opened again; it doubles up to the back-off's cap.
const REOPEN_FIRST: Duration = Duration::from_millis(250);

/// How often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// A watch without any event for so long is opened anew.
    pub(super) idle: Duration,
    /// Longest pause before a list is tried again that failed, or whose watch did.
    pub(super) longest_pause: Duration,
    /// When a list is repeated beside a watch that works.
    pub(super) rescan: Duration,
}

/// Runs the watch of one resource until the session ends.
pub(super) fn spawn(member: &Arc<Member>, resource: Resource, pace: Pace) {
    let ended = member.ended.clone();
    let randomness = Arc::clone(&member.outlets.randomness);
    // The task must not keep the session alive: whoever drops the session ends the watch.
    let member = Arc::downgrade(member);
    tokio::spawn(async move {
        let mut pause = REOPEN_FIRST;
        while let Some(strong) = member.upgrade() {
            let opened = Instant::now();
            let result = tokio::select! {
                biased;
                () = ended.cancelled() => return,
                result = follow(&strong, resource, pace.rescan) => result,
            };
            if opened.elapsed() > pace.idle / 2 {
                pause = REOPEN_FIRST;
            }
            if let Err(error) = result {
                tracing::debug!(cluster = %strong.key, resource = resource.plural(), %error, "watch ended");
            }
            drop(strong);
            // From 0.9 to 1.0, so that not everything that lost its member comes together.
            let jitter = 0.8 + 0.2 * randomness.jitter();
            tokio::select! {
                biased;
                () = ended.cancelled() => return,
                () = tokio::time::sleep(pause.mul_f64(jitter)) => {}
            }
            pause = (pause * 2).min(pace.longest_pause);
        }
    });
}

/// Lists, then watches until the watch fails, or the list is due again.
async fn follow(
    member: &Arc<Member>,
    resource: Resource,
    rescan: Duration,
) -> Result<(), CallError> {
    // Watches that began together must not list together for ever.
    let due = Instant::now() + rescan.mul_f64(0.9 + 0.2 * member.outlets.randomness.jitter());
    let mut unseen = member.places(resource);
    let listed = Calls(member.api.as_ref())
        .list(resource, None, OWNER_LABEL)
        .await;
    let (objects, mut version) = listed.inspect_err(|error| member.lost(error.clone()))?;
    for object in objects {
        if let Some(place) = object.place() {
            unseen.remove(&place);
        }
        member.see(object, false);
    }
    // What vanished without a watch left no event.
    for place in &unseen {
        member.vanished(place);
    }
    while Instant::now() < due {
        let opened = member.api.watch(resource, OWNER_LABEL, &version).await;
        let mut events = opened.inspect_err(|error| member.lost(error.clone()))?;
        while let Ok(Some(event)) = tokio::time::timeout_at(due, events.next()).await {
            match event {
                Ok(WatchEvent::Upsert(object)) => {
                    object.resource_version().clone_into(&mut version);
                    member.see(with_kind(object, resource), false);
                }
                Ok(WatchEvent::Gone(object)) => {
                    object.resource_version().clone_into(&mut version);
                    member.see(with_kind(object, resource), true);
                }
                Ok(WatchEvent::Bookmark(now)) => version = now,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn with_kind(object: Object, resource: Resource) -> Object {
    if object.kind() == resource.kind() {
        return object;
    }
    object.with("kind", resource.kind().into())
}

impl Member {
    /// Takes an event in: tells waiting runs, and asks for a run if nobody knew.
    pub(super) fn see(self: &Arc<Self>, object: Object, gone: bool) {
        let object = secret::hidden(object);
        let Some(place) = object.place() else { return };
        self.note_usage(&object, gone);
        let object = Arc::new(object);
        // Without a waiting run nobody listens; that is fine.
        drop(self.events.send(MemberEvent {
            object: Arc::clone(&object),
            gone,
        }));
        let Some(key) = self.subject_of(&object, &place) else {
            return;
        };
        let fingerprint = (!gone).then(|| Fingerprint::of(&object));
        // What a run deleted is forgotten before it is gone. An answer to an earlier read, which comes after this
        // event, would make it be there again.
        let may_come_back = gone && self.worked_on.lock().contains(&key);
        if !may_come_back && !self.differs(&place, fingerprint) {
            return;
        }
        let mut stirred = self.stirred.lock();
        let is_new = !stirred.contains_key(&key);
        stirred
            .entry(key.clone())
            .or_default()
            .insert(place, fingerprint);
        drop(stirred);
        if is_new {
            settle_later(Arc::clone(self), key);
        }
    }

    /// Takes in that a run begins. What happens to its objects is most likely its own doing, and is looked at
    /// when it has ended.
    pub(crate) fn work_on(self: &Arc<Self>, key: &Subject) -> Working {
        self.worked_on.lock().insert(key.clone());
        Working {
            member: Arc::clone(self),
            key: key.clone(),
        }
    }

    /// Asks for a run if an event still shows something that no run has seen.
    fn settle_stirred(&self, key: &Subject) {
        if self.worked_on.lock().contains(key) {
            return;
        }
        let Some(places) = self.stirred.lock().remove(key) else {
            return;
        };
        let mut unknown = false;
        for (place, fingerprint) in places {
            if self.differs(&place, fingerprint) {
                unknown = true;
                // As with what is missing in a list.
                if fingerprint.is_none() {
                    self.forget(&place);
                }
            }
        }
        if unknown {
            self.nudge(key.clone());
        }
    }
}

fn settle_later(member: Arc<Member>, key: Subject) {
    tokio::spawn(async move {
        tokio::time::sleep(DEBOUNCE).await;
        member.settle_stirred(&key);
    });
}

/// A run under way.
pub(crate) struct Working {
    member: Arc<Member>,
    key: Subject,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.member.worked_on.lock().remove(&self.key);
        let stirred = self.member.stirred.lock().contains_key(&self.key);
        // Without a runtime everything ends.
        if stirred && tokio::runtime::Handle::try_current().is_ok() {
            settle_later(Arc::clone(&self.member), self.key.clone());
        }
    }
}
