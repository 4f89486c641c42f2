//! The watches of a session: drift, certificates and quotas are seen at once, and only what a run did
//! not do itself asks for another run.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use rand::Rng as _;

use super::fingerprint::Fingerprint;
use super::{Member, MemberEvent};
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, CallErrorKind, Object, Resource, WatchEvent};
use dcm_types::TargetKey;
use dcm_types::member_name::OWNER_LABEL;

/// How long an event may wait for the answer of the call that caused it.
const DEBOUNCE: Duration = Duration::from_millis(40);
/// First pause before a watch is opened again; it doubles up to the back-off's cap.
const REOPEN_FIRST: Duration = Duration::from_millis(250);

/// Runs the watch of one resource until the session ends.
pub(super) fn spawn(member: &Arc<Member>, resource: Resource, idle: Duration, cap: Duration) {
    let ended = member.ended.clone();
    // The task must not keep the session alive: whoever drops the session ends the watch.
    let member = Arc::downgrade(member);
    tokio::spawn(async move {
        let mut pause = REOPEN_FIRST;
        let mut first = true;
        while let Some(strong) = member.upgrade() {
            let opened = tokio::time::Instant::now();
            let result = tokio::select! {
                () = ended.cancelled() => return,
                result = follow(&strong, resource, first) => result,
            };
            first = false;
            if opened.elapsed() > idle / 2 {
                pause = REOPEN_FIRST;
            }
            if let Err(error) = result {
                tracing::debug!(cluster = %strong.key, resource = resource.plural(), %error, "watch ended");
            }
            drop(strong);
            let jitter = rand::rng().random_range(0.5..1.0);
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(pause.mul_f64(jitter)) => {}
            }
            pause = (pause * 2).min(cap);
        }
    });
}

/// Lists, then watches until the watch ends.
async fn follow(member: &Arc<Member>, resource: Resource, first: bool) -> Result<(), CallError> {
    let (objects, mut version) = Calls(member.api.as_ref())
        .list(resource, None, OWNER_LABEL)
        .await?;
    for object in objects {
        member.see(object, false);
    }
    if !first && resource == Resource::Namespace {
        // What vanished during the gap left no event.
        member.nudge_all();
    }
    loop {
        let mut events = member.api.watch(resource, OWNER_LABEL, &version).await?;
        while let Some(event) = events.next().await {
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
                Err(error) if error.kind == CallErrorKind::Timeout => return Err(error),
                Err(error) => return Err(error),
            }
        }
    }
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
        let Some(place) = object.place() else { return };
        self.note_usage(&object, gone);
        let object = Arc::new(object);
        // Without a waiting run nobody listens; that is fine.
        drop(self.events.send(MemberEvent {
            object: Arc::clone(&object),
            gone,
        }));
        let Some(key) = self.target_of(&object, &place) else {
            return;
        };
        let fingerprint = (!gone).then(|| Fingerprint::of(&object));
        if !self.differs(&place, fingerprint) {
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
    pub(crate) fn work_on(self: &Arc<Self>, key: &TargetKey) -> Working {
        self.worked_on.lock().insert(key.clone());
        Working {
            member: Arc::clone(self),
            key: key.clone(),
        }
    }

    /// Asks for a run if an event still shows something that no run has seen.
    fn settle_stirred(&self, key: &TargetKey) {
        if self.worked_on.lock().contains(key) {
            return;
        }
        let Some(places) = self.stirred.lock().remove(key) else {
            return;
        };
        if places
            .into_iter()
            .any(|(place, fingerprint)| self.differs(&place, fingerprint))
        {
            self.nudge(key.clone());
        }
    }
}

fn settle_later(member: Arc<Member>, key: TargetKey) {
    tokio::spawn(async move {
        tokio::time::sleep(DEBOUNCE).await;
        member.settle_stirred(&key);
    });
}

/// A run under way.
pub(crate) struct Working {
    member: Arc<Member>,
    key: TargetKey,
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
