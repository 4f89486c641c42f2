//! While work on a cloud rests its members are left alone, and the next action puts them right.

use std::time::Duration;

use dcm_store::{Expect, StoreExt as _};
use dcm_testkit::shared_control_planes;
use dcm_types::documents::{Lifecycle, Revision};
use dcm_types::ports::{Clock as _, Nudge, Synchronizer as _};
use dcm_types::{DocumentKind, Key};

use crate::world::{World, kubectl, next, object, revision, target, terminated};

impl World {
    /// Pauses or resumes, as an accepted action does.
    async fn pause(&self, revision: &Revision, paused: bool) {
        let key = Key::of_cloud(DocumentKind::Lifecycle, &revision.cloud);
        let found = self.store.read::<Lifecycle>(&key).await.unwrap().unwrap();
        let lifecycle = Lifecycle {
            paused_at: paused.then(|| self.clock.now()),
            ..found.document
        };
        self.put(&lifecycle, Expect::Number(found.version.number))
            .await;
        self.nudge(revision).await;
    }

    async fn nudge(&self, revision: &Revision) {
        let nudge = Nudge::Cloud(revision.cloud.clone());
        self.handle.nudge(nudge).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_of_a_stopped_cloud_stays_until_the_next_action() {
    let plane = &shared_control_planes(2)[0];
    let mut world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(300)).await;

    world.pause(&revision, true).await;
    world.quiet(Duration::from_millis(300)).await;
    let recorded = world.target(&key).await.unwrap();
    world.ledger.clear();
    let namespace = revision.slice.namespace.as_str();
    kubectl(plane, &["delete", "rolebindings", "--all", "-n", namespace]);
    for _ in 0..5 {
        world.nudge(&revision).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(world.ledger.mutations(), Vec::<String>::new());
    assert_eq!(world.target(&key).await.unwrap(), recorded);
    let bindings = || {
        let list = object(plane, &["rolebindings", "-n", namespace]);
        list.map_or(0, |list| list["items"].as_array().unwrap().len())
    };
    assert_eq!(bindings(), 0);

    world.restart().await;
    world.quiet(Duration::from_millis(500)).await;
    assert_eq!(
        world.target(&key).await.unwrap(),
        recorded,
        "nor after a restart"
    );

    world.pause(&revision, false).await;
    let checked = recorded.checked_at;
    world
        .until(&key, "looked at again", |target| {
            target.checked_at > checked
        })
        .await;
    world.ready(&key, 1).await;
    assert_eq!(bindings(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wish_of_a_stopped_cloud_waits_and_terminate_goes_on() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.wish(&next(&revision)).await;
    world.ready(&key, 2).await;
    world.wish(&terminated(&next(&revision))).await;
    world.pause(&revision, true).await;
    // A run that had begun may end, and then nothing happens.
    world.quiet(Duration::from_millis(500)).await;
    world.ledger.clear();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.ledger.calls().len(), 0);
    world.pause(&revision, false).await;
    world.absent(&key).await;
}
