//! The end of a cloud: refused, queued, finished in the background, and nothing left behind.

use dcm_app::{Deletion, Precondition, run_background};
use dcm_store::{Query, Scope, StoreExt as _};
use dcm_types::documents::{AuditResult, Revision};
use dcm_types::{CloudKey, DocumentKind, Key, Kind};
use tokio_util::sync::CancellationToken;

use crate::members::target_key;
use crate::world::{
    World, cluster, eventually, kind, permission_draft, quota_draft, reference_draft, who,
};

on_every_store!(
    a_cloud_that_was_never_instantiated_goes_at_once,
    an_instantiated_cloud_is_kept,
    a_terminating_cloud_is_queued_and_goes_when_the_last_member_is_clean,
    a_queued_cloud_goes_after_a_restart,
    a_reservation_without_a_target_holds_the_cloud,
    a_cluster_is_kept_while_something_may_be_on_it,
    only_the_last_revisions_are_kept,
);

impl World {
    pub(crate) async fn delete_cloud(&self, key: &CloudKey) -> Result<Deletion, dcm_app::Error> {
        self.app
            .delete_logical_cloud(&who(), key, Precondition::None)
            .await
    }

    /// Removes what [`World::cloud_on`] made, but for the cloud.
    pub(crate) async fn clear(&self) {
        let (app, who) = (&self.app, who());
        let key = crate::world::cloud_key("p", "lc");
        app.delete_project(&who, &key.project, Precondition::None)
            .await
            .unwrap();
        app.delete_cluster(&who, &cluster("c1"), Precondition::None)
            .await
            .unwrap();
    }

    /// Every document that has to do with a cloud, but for audit.
    pub(crate) async fn leftovers(&self) -> Vec<String> {
        let mut left = Vec::new();
        for kind in DocumentKind::ALL {
            if matches!(
                kind,
                DocumentKind::Project
                    | DocumentKind::ClusterProvider
                    | DocumentKind::Cluster
                    | DocumentKind::Audit
                    | DocumentKind::AuditLink
            ) {
                continue;
            }
            let query = Query {
                kind,
                scope: Scope::All,
                after: None,
                limit: 100,
            };
            let page = self.store.list(&query).await.unwrap();
            left.extend(page.documents.iter().map(|d| d.key.to_string()));
        }
        left
    }

    pub(crate) fn start_background(&self) -> CancellationToken {
        let cancellation = CancellationToken::new();
        tokio::spawn(run_background(self.app.clone(), cancellation.clone()));
        cancellation
    }
}

async fn full(world: &World) -> CloudKey {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    app.create_quota(&who, &key, quota_draft("q", "1"))
        .await
        .unwrap();
    app.create_permission(&who, &key, permission_draft("x", "pods"))
        .await
        .unwrap();
    key
}

async fn a_cloud_that_was_never_instantiated_goes_at_once(world: World) {
    let key = full(&world).await;
    assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Done);
    assert_eq!(world.leftovers().await, [""; 0]);
    assert_eq!(kind(world.delete_cloud(&key).await), Kind::NotFound);
}

async fn an_instantiated_cloud_is_kept(world: World) {
    let key = full(&world).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let error = world.delete_cloud(&key).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(error.hint.as_deref(), Some("terminate it first"));
    let stale = Precondition::Match(vec![1]);
    let refused = world.app.delete_logical_cloud(&who(), &key, stale).await;
    assert_eq!(kind(refused), Kind::PreconditionFailed);
}

async fn a_terminating_cloud_is_queued_and_goes_when_the_last_member_is_clean(world: World) {
    let cancellation = world.start_background();
    let key = full(&world).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    for name in ["c1", "c2"] {
        world.make_ready(&key, name).await;
        world.issue(&key, name, true).await;
    }
    world.app.terminate(&who(), &key).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Queued);
    }
    world.make_absent(&key, "c1").await;
    assert!(world.exists(&Key::cloud(&key)).await);
    world.make_absent(&key, "c2").await;
    eventually("the cloud is gone", async || {
        !world.exists(&Key::cloud(&key)).await
    })
    .await;
    assert_eq!(world.leftovers().await, [""; 0]);
    let records = world.records("p").await;
    let [.., asked, done] = records.as_slice() else {
        unreachable!("{records:?}")
    };
    assert_eq!(
        (asked.verb.as_str(), asked.result),
        ("delete", AuditResult::Accepted)
    );
    assert_eq!(
        (done.verb.as_str(), done.result),
        ("delete", AuditResult::Done)
    );
    assert_eq!(asked.principal, "local-operator");
    assert_eq!(done.principal, "dcm");
    cancellation.cancel();
}

async fn a_queued_cloud_goes_after_a_restart(world: World) {
    let key = full(&world).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    for name in ["c1", "c2"] {
        world.make_ready(&key, name).await;
    }
    world.app.terminate(&who(), &key).await.unwrap();
    assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Queued);
    world.make_absent(&key, "c1").await;
    world.make_absent(&key, "c2").await;
    let cancellation = world.start_background();
    eventually("the cloud is gone", async || {
        !world.exists(&Key::cloud(&key)).await
    })
    .await;
    cancellation.cancel();
}

async fn a_reservation_without_a_target_holds_the_cloud(world: World) {
    let key = full(&world).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.app.terminate(&who(), &key).await.unwrap();
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert!(!status.is_absent(), "a run may be about to write");
    assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Queued);
    for name in ["c1", "c2"] {
        world.make_absent(&key, name).await;
    }
    assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Done);
    assert!(!world.exists(&Key::target(&target_key(&key, "c1"))).await);
}

async fn a_cluster_is_kept_while_something_may_be_on_it(world: World) {
    let key = full(&world).await;
    let delete = async || {
        world
            .app
            .delete_cluster(&who(), &cluster("c1"), Precondition::None)
            .await
    };
    let conflict = async |about: &str| {
        let error = delete().await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.to_string().contains(about), "{error}");
        assert!(
            !error.to_string().contains("lc"),
            "tells no tenant: {error}"
        );
    };
    conflict("referenced").await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world
        .app
        .delete_reference_of(&who(), &key, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    conflict("holds objects").await;
    world.make_ready(&key, "c1").await;
    world.app.update(&who(), &key).await.unwrap();
    conflict("holds objects").await;
    world.make_absent(&key, "c1").await;
    delete().await.unwrap();
    world.register(&["c1"]).await;
    let again = world
        .app
        .create_reference(&who(), &key, reference_draft(None, "c1"))
        .await;
    again.unwrap();
}

async fn only_the_last_revisions_are_kept(world: World) {
    let cancellation = world.start_background();
    let key = full(&world).await;
    for _ in 0..15 {
        world.app.instantiate(&who(), &key).await.unwrap();
        world.app.terminate(&who(), &key).await.unwrap();
    }
    let uid = world.lifecycle(&key).await.cloud_uid;
    let generations = async || -> Vec<u64> {
        let scope = Scope::Under(uid.to_string());
        let found = world.store.read_all::<Revision>(scope).await.unwrap();
        found.into_iter().map(|r| r.document.generation).collect()
    };
    let last: Vec<u64> = (21..=30).collect();
    eventually("ten are left", async || generations().await == last).await;
    cancellation.cancel();
}
