//! One reader per cloud for everybody who waits for its status.
//!
//! While anybody follows a cloud there is one task that reads its status whenever the store says that
//! something of it changed, and hands it to all of them; one more task takes the hints of the store
//! for all clouds. Without followers there is neither. A hint that was lost costs a slow look.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use dcm_store::Change;
use dcm_types::status::CloudStatus;
use dcm_types::{CloudKey, DocumentKind, Key};
use futures::stream::{BoxStream, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::background::cloud_of;

/// How long a lost hint can go unnoticed.
const SLOW_LOOK: Duration = Duration::from_secs(15);
/// How often a reader sees that nobody follows any more.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// A reader rests so many times as long as its look took, and at most so long: with a thousand members
/// that all change, it would do nothing but read, and hold up what it reads of.
const REST: (u32, Duration) = (4, Duration::from_millis(500));

/// What was read last; `None` when it could not be read: then each follower reads, and sees why.
pub(super) type Look = Option<Arc<CloudStatus>>;

/// The readers.
#[derive(Default)]
pub(crate) struct Hub {
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    clouds: HashMap<CloudKey, Entry>,
    /// Ends the task that takes hints.
    pump: Option<CancellationToken>,
}

struct Entry {
    looks: watch::Sender<Look>,
    stirred: Arc<Notify>,
}

impl App {
    /// Status of a cloud from now on, whenever it changes. The present one is read by the caller, after
    /// this, so that nothing happens unseen.
    pub(super) fn looks(&self, key: &CloudKey) -> watch::Receiver<Look> {
        let hub = self.hub();
        let mut watched = hub.watched.lock();
        if watched.pump.is_none() {
            let ended = CancellationToken::new();
            // Hints count from here, before anything is read.
            let changes = self.store().changes();
            tokio::spawn(pump(Arc::downgrade(hub), changes, ended.clone()));
            watched.pump = Some(ended);
        }
        if let Some(entry) = watched.clouds.get(key) {
            return entry.looks.subscribe();
        }
        let (looks, receiver) = watch::channel(None);
        let stirred = Arc::new(Notify::new());
        let entry = Entry {
            looks,
            stirred: Arc::clone(&stirred),
        };
        watched.clouds.insert(key.clone(), entry);
        tokio::spawn(read(self.clone(), key.clone(), stirred));
        receiver
    }
}

impl Hub {
    /// Forgets a cloud that nobody follows; says whether it did.
    fn leave(&self, key: &CloudKey) -> bool {
        let mut watched = self.watched.lock();
        let followed = watched
            .clouds
            .get(key)
            .is_some_and(|entry| entry.looks.receiver_count() > 0);
        if followed {
            return false;
        }
        watched.clouds.remove(key);
        if watched.clouds.is_empty()
            && let Some(pump) = watched.pump.take()
        {
            pump.cancel();
        }
        true
    }

    fn hand_out(&self, key: &CloudKey, look: Look) {
        let watched = self.watched.lock();
        if let Some(entry) = watched.clouds.get(key) {
            entry.looks.send_if_modified(|last| {
                let news = !same(last.as_deref(), look.as_deref());
                *last = look;
                news
            });
        }
    }

    fn stir(&self, change: &Change) {
        let watched = self.watched.lock();
        match change {
            Change::Missed => watched.clouds.values().for_each(|e| e.stirred.notify_one()),
            Change::Document(key) => {
                let entry = concerned(key).and_then(|cloud| watched.clouds.get(&cloud));
                if let Some(entry) = entry {
                    entry.stirred.notify_one();
                }
            }
        }
    }
}

/// The cloud whose status a document is part of.
fn concerned(key: &Key) -> Option<CloudKey> {
    match key.kind() {
        DocumentKind::LogicalCloud
        | DocumentKind::Lifecycle
        | DocumentKind::ClusterReference
        | DocumentKind::Target
        | DocumentKind::QuotaUsage
        | DocumentKind::Access => cloud_of(key),
        _ => None,
    }
}

/// Whether nothing but time passed between two looks. A look that failed is never like another.
fn same(one: Option<&CloudStatus>, other: Option<&CloudStatus>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            let timeless = CloudStatus {
                at: one.at,
                ..other.clone()
            };
            *one == timeless
        }
        _ => false,
    }
}

/// Takes hints for all readers.
async fn pump(hub: Weak<Hub>, mut changes: BoxStream<'static, Change>, ended: CancellationToken) {
    loop {
        let change = tokio::select! {
            () = ended.cancelled() => return,
            change = changes.next() => change,
        };
        let (Some(change), Some(hub)) = (change, hub.upgrade()) else {
            return;
        };
        hub.stir(&change);
    }
}

/// Reads one cloud for all who follow it.
async fn read(app: App, key: CloudKey, stirred: Arc<Notify>) {
    let mut quiet = Duration::ZERO;
    loop {
        let hinted = timeout(LAST_LOOK, stirred.notified()).await.is_ok();
        if app.hub().leave(&key) {
            return;
        }
        quiet += LAST_LOOK;
        if !hinted && quiet < SLOW_LOOK {
            continue;
        }
        quiet = Duration::ZERO;
        let began = Instant::now();
        let look = app.current_status(&key).await.ok().map(Arc::new);
        app.hub().hand_out(&key, look);
        let (times, longest) = REST;
        sleep(longest.min(began.elapsed() * times)).await;
    }
}
