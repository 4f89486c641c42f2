//! The watches of a session: drift, certificates and quotas are seen at once, and only what a run did
//! not do itself asks for another run.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;

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
    let randomness = Arc::clone(&member.outlets.randomness);
    // The task must not keep the session alive: whoever drops the session ends the watch.
    let member = Arc::downgrade(member);
    tokio::spawn(async move {
        let mut pause = REOPEN_FIRST;
        let mut first = true;
        while let Some(strong) = member.upgrade() {
            let opened = tokio::time::Instant::now();
            let result = tokio::select! {
                biased;
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
            let jitter = randomness.jitter();
            tokio::select! {
                biased;
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
            let member = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(DEBOUNCE).await;
                member.settle_stirred(&key);
            });
        }
    }

    /// Asks for a run if an event still shows something that no run has seen.
    fn settle_stirred(&self, key: &TargetKey) {
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
