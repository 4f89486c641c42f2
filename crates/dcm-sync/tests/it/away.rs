//! A member that is away for a day, in virtual time: how often it is called, and what happens at its return.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dcm_cluster::{
    Answer, Call, CallError, CallErrorKind, ClusterApi, Connector, Object, Resource, WatchStream,
};
use dcm_pki::kubeconfig::AdminCredential;
use dcm_sync::Config;
use dcm_types::documents::Cluster;
use dcm_types::ports::{Nudge, Synchronizer as _};
use serde_json::json;

use crate::world::{World, revision, target, terminated};

/// A kubeconfig; nothing listens at its address.
const KUBECONFIG: &str = include_str!("../../../dcm-api/tests/data/kubeconfig.yaml");

/// A member that says who it is and fails everything else, or does not answer at all.
#[derive(Default)]
struct Edge {
    away: AtomicBool,
    calls: AtomicUsize,
}

impl Edge {
    fn count(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn arrive(&self, name: &str) -> Result<(), CallError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Err(CallError::new(CallErrorKind::Unreachable, name, "refused"));
        }
        Ok(())
    }
}

#[async_trait]
impl ClusterApi for Edge {
    async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let name = call.name();
        self.arrive(&name)?;
        let answer = match call {
            Call::Get(place) if place.name == "kube-system" => {
                json!({"metadata": {"name": "kube-system", "uid": "edge"}})
            }
            Call::Review(review) if review["kind"] == "SelfSubjectReview" => {
                json!({"status": {"userInfo": {"username": "admin"}}})
            }
            _ => return Err(CallError::new(CallErrorKind::Server, name, "broken")),
        };
        Ok(Answer::Object(Object(answer)))
    }

    async fn watch(&self, _: Resource, _: &str, _: &str) -> Result<WatchStream, CallError> {
        self.arrive("watch")?;
        Err(CallError::new(CallErrorKind::Server, "watch", "broken"))
    }
}

struct Line(Arc<Edge>);

#[async_trait]
impl Connector for Line {
    async fn connect(
        &self,
        _: &Cluster,
        _: &AdminCredential,
    ) -> Result<Arc<dyn ClusterApi>, CallError> {
        Ok(Arc::clone(&self.0) as _)
    }
}

const CLOUDS: usize = 8;

#[tokio::test(start_paused = true)]
async fn member_that_is_away_is_called_at_most_three_hundred_times_a_day_for_all_its_clouds() {
    let edge = Arc::new(Edge::default());
    let world = World::over(Config::default(), Arc::new(Line(Arc::clone(&edge))));
    let one = world.register("one", KUBECONFIG).await;
    let revisions: Vec<_> = (0..CLOUDS).map(|_| revision(&[&one])).collect();
    for revision in &revisions {
        world.wish(revision).await;
    }
    // Sessions and watches are tried for a while.
    tokio::time::sleep(Duration::from_mins(10)).await;
    let failed = |target: &dcm_types::documents::Target, category: &str| {
        let last = target.last_error.as_ref();
        last.is_some_and(|last| last.category == category)
    };
    for revision in &revisions {
        let key = target(revision, &one);
        world.until(&key, "refused", |t| failed(t, "server")).await;
    }

    edge.away.store(true, Ordering::Relaxed);
    // A change makes somebody notice.
    world.wish(&terminated(&revisions[0])).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let before = edge.count();
    let held = world.handle.report().await.unwrap();
    assert_eq!(held.waiting.len(), 1, "{held:?}");
    assert_eq!(held.waiting[0].category, "unreachable");
    for hour in 0..24_u64 {
        // What is wished meanwhile costs no call.
        let mut wish = terminated(&revisions[0]);
        wish.generation += 1 + hour;
        world.wish(&wish).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    let calls = edge.count() - before;
    assert!((200..=300).contains(&calls), "{calls} calls in a day");
    let key = target(&revisions[0], &one);
    let away = world.target(&key).await.unwrap();
    assert!(failed(&away, "unreachable"), "{away:?}");

    // It is back: within the next probe everything goes on.
    edge.away.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_mins(6)).await;
    for revision in &revisions[1..] {
        let key = target(revision, &one);
        assert!(failed(&world.target(&key).await.unwrap(), "server"));
    }
    assert_eq!(world.handle.report().await.unwrap().waiting, []);
}

#[tokio::test(start_paused = true)]
async fn probe_that_is_asked_for_shortens_the_wait() {
    let edge = Arc::new(Edge::default());
    edge.away.store(true, Ordering::Relaxed);
    let world = World::over(Config::default(), Arc::new(Line(Arc::clone(&edge))));
    let one = world.register("one", KUBECONFIG).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    edge.away.store(false, Ordering::Relaxed);
    let before = edge.count();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(edge.count(), before, "nobody called meanwhile");
    world
        .handle
        .nudge(Nudge::Cluster(one.clone()))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.handle.report().await.unwrap().waiting, []);
    let found = world.target(&target(&revision, &one)).await.unwrap();
    assert_eq!(found.last_error.unwrap().category, "server");
}
