//! A cloud goes although members do not answer; what is left there has tombstones until it is cleaned up, or
//! written off.

use dcm_app::{Deletion, PageRequest, Precondition, TombstoneFilter};
use dcm_store::{Scope, StoreExt as _};
use dcm_types::documents::{Observed, Target, Tombstone, Wish};
use dcm_types::{CloudKey, Key, Kind, NamespaceName, ProjectName, Uid};

use crate::members::{failure, ready_target, target_key};
use crate::world::{World, cloud_key, cluster, eventually, kind, who};

on_every_store!(
    a_queued_cloud_goes_when_all_that_is_left_does_not_answer,
    a_member_that_answers_holds_the_cloud,
    a_failure_of_an_earlier_generation_holds_the_cloud,
    a_paused_cloud_is_not_buried,
    the_namespace_stays_held_and_only_the_own_project_is_told_why,
    a_later_project_of_the_same_name_sees_no_tombstones,
    a_cluster_is_in_use_while_a_tombstone_is_on_it,
    a_write_off_names_the_namespace_and_frees_it,
);

impl World {
    /// Records that a member did not answer when the wanted generation was tried.
    async fn lose(&self, cloud: &CloudKey, name: &str, category: &str) {
        let lifecycle = self.lifecycle(cloud).await;
        self.fail_at(cloud, name, lifecycle.generation, category)
            .await;
    }

    async fn fail_at(&self, cloud: &CloudKey, name: &str, generation: u64, category: &str) {
        let uid = self.lifecycle(cloud).await.cloud_uid;
        let target = Target {
            observed: Observed::Unknown,
            last_error: Some(failure(category)),
            ..ready_target(&target_key(cloud, name), uid, generation)
        };
        self.record(&target).await;
    }

    async fn tombstones(&self) -> Vec<Tombstone> {
        let found = self.store.read_all::<Tombstone>(Scope::All).await.unwrap();
        found.into_iter().map(|found| found.document).collect()
    }

    async fn gone(&self, cloud: &CloudKey) {
        eventually("the cloud is gone", async || {
            !self.exists(&Key::cloud(cloud)).await
        })
        .await;
    }

    /// A cloud on two clusters whose deletion is queued.
    async fn leaving(&self) -> CloudKey {
        let key = self.cloud_on(&["c1", "c2"]).await;
        self.app.instantiate(&who(), &key).await.unwrap();
        for name in ["c1", "c2"] {
            self.make_ready(&key, name).await;
        }
        self.app.terminate(&who(), &key).await.unwrap();
        assert_eq!(self.delete_cloud(&key).await.unwrap(), Deletion::Queued);
        key
    }

    /// A cloud that is gone, and left something in `c1`.
    pub(crate) async fn buried(&self) -> (CloudKey, Tombstone) {
        let background = self.start_background();
        let key = self.leaving().await;
        self.lose(&key, "c1", "unreachable").await;
        self.make_absent(&key, "c2").await;
        self.gone(&key).await;
        background.cancel();
        let tombstone = self.tombstones().await.remove(0);
        (key, tombstone)
    }

    async fn write_off(&self, id: Uid, confirm: Option<&str>) -> Result<(), dcm_app::Error> {
        self.app
            .write_off_tombstone(&who(), id, confirm, Precondition::None)
            .await
    }
}

fn held(name: &str) -> Key {
    Key::reservation(&cluster(name), &NamespaceName::parse("payments").unwrap())
}

async fn a_queued_cloud_goes_when_all_that_is_left_does_not_answer(world: World) {
    let background = world.start_background();
    let key = world.leaving().await;
    world.issue(&key, "c1", true).await;
    let lifecycle = world.lifecycle(&key).await;
    world.lose(&key, "c1", "unreachable").await;
    world.lose(&key, "c2", "unauthorized").await;
    world.gone(&key).await;
    background.cancel();
    let tombstones = world.tombstones().await;
    let [first, second] = tombstones.as_slice() else {
        unreachable!("{tombstones:?}")
    };
    assert_ne!(first.target.key.cluster, second.target.key.cluster);
    for tombstone in &tombstones {
        let (revision, target) = (&tombstone.revision, &tombstone.target);
        assert_eq!(revision.wish, Wish::Absent);
        assert_eq!(revision.generation, lifecycle.generation);
        assert_eq!(revision.cloud_uid, lifecycle.cloud_uid);
        assert_eq!(target.observed, Observed::Unknown);
        assert!(
            world
                .exists(&held(target.key.cluster.cluster.as_str()))
                .await
        );
    }
    let mut expected: Vec<String> = tombstones
        .iter()
        .map(|tombstone| Key::tombstone(tombstone.id).to_string())
        .chain(["c1", "c2"].map(|name| held(name).to_string()))
        .collect();
    let mut left = world.leftovers().await;
    expected.sort();
    left.sort();
    assert_eq!(left, expected, "nothing else is left");
    // The name is free again, and means another cloud.
    world.cloud(&key).await;
    let again = world.app.get_logical_cloud(&who(), &key).await.unwrap();
    assert_ne!(again.document.cloud.uid, lifecycle.cloud_uid);
}

async fn a_member_that_answers_holds_the_cloud(world: World) {
    let key = world.leaving().await;
    world.lose(&key, "c1", "unreachable").await;
    // It answers, and refuses.
    world.lose(&key, "c2", "forbidden").await;
    assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Queued);
    let background = world.start_background();
    world.make_absent(&key, "c2").await;
    world.gone(&key).await;
    background.cancel();
    assert_eq!(world.tombstones().await.len(), 1);
    assert!(!world.exists(&held("c2")).await);
}

async fn a_failure_of_an_earlier_generation_holds_the_cloud(world: World) {
    let background = world.start_background();
    let key = world.leaving().await;
    world.make_absent(&key, "c2").await;
    let generation = world.lifecycle(&key).await.generation;
    world.fail_at(&key, "c1", generation - 1, "timeout").await;
    // What is recorded of another cloud is seen after it.
    let other = cloud_key("p", "other");
    let draft = dcm_types::drafts::LogicalCloudDraft {
        namespace: Some(NamespaceName::parse("elsewhere").unwrap()),
        ..crate::world::cloud_draft("other")
    };
    let made = world
        .app
        .create_logical_cloud(&who(), &other.project, draft)
        .await;
    made.unwrap();
    world.refer(&other, "c2").await;
    world.app.instantiate(&who(), &other).await.unwrap();
    world.app.terminate(&who(), &other).await.unwrap();
    assert_eq!(world.delete_cloud(&other).await.unwrap(), Deletion::Queued);
    world.lose(&other, "c2", "timeout").await;
    world.gone(&other).await;
    assert!(world.exists(&Key::cloud(&key)).await);
    world.lose(&key, "c1", "timeout").await;
    world.gone(&key).await;
    background.cancel();
}

async fn a_paused_cloud_is_not_buried(world: World) {
    let key = world.leaving().await;
    world.make_absent(&key, "c2").await;
    world.app.stop(&who(), &key).await.unwrap();
    world.lose(&key, "c1", "unreachable").await;
    let background = world.start_background();
    world.app.terminate(&who(), &key).await.unwrap();
    world.gone(&key).await;
    background.cancel();
    let records = world.deeds("p").await;
    let position = |deed: &str| records.iter().rposition(|record| record == deed);
    let resumed = position("terminate logical-cloud/p/lc");
    assert!(
        position("delete logical-cloud/p/lc") > resumed,
        "{records:?}"
    );
}

async fn the_namespace_stays_held_and_only_the_own_project_is_told_why(world: World) {
    let (key, tombstone) = world.buried().await;
    world.cloud(&key).await;
    // Elsewhere the same namespace is free.
    world.refer(&key, "c2").await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.refer(&key, "c1").await;
    let refused = world.app.update(&who(), &key).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    let hint = refused.hint.unwrap();
    assert!(hint.contains(&tombstone.id.to_string()), "{hint}");
    assert!(hint.contains("'lc' was deleted"), "{hint}");

    world.project("stranger").await;
    let other = cloud_key("stranger", "lc");
    world.cloud(&other).await;
    world.refer(&other, "c1").await;
    let refused = world.app.instantiate(&who(), &other).await.unwrap_err();
    let hint = refused.hint.unwrap();
    assert_eq!(hint, "choose another namespace for the logical cloud");
}

async fn a_later_project_of_the_same_name_sees_no_tombstones(world: World) {
    let (key, tombstone) = world.buried().await;
    let of_project = TombstoneFilter {
        project: Some(key.project.clone()),
        cluster: None,
    };
    let list = async |filter: &TombstoneFilter| -> Vec<Uid> {
        let page = PageRequest::default();
        let listed = world.app.list_tombstones(&who(), filter, page).await;
        let items = listed.unwrap().items.into_iter();
        items.map(|saved| saved.document.id).collect()
    };
    assert_eq!(list(&of_project).await, [tombstone.id]);
    let on = |name: &str| TombstoneFilter {
        cluster: Some(cluster(name)),
        project: None,
    };
    assert_eq!(list(&on("c1")).await, [tombstone.id]);
    assert_eq!(list(&on("c2")).await, []);
    let unknown = TombstoneFilter {
        project: Some(ProjectName::parse("nobody").unwrap()),
        cluster: None,
    };
    let page = PageRequest::default();
    let listed = world.app.list_tombstones(&who(), &unknown, page).await;
    assert_eq!(kind(listed), Kind::NotFound);

    let delete = world
        .app
        .delete_project(&who(), &key.project, Precondition::None)
        .await;
    delete.unwrap();
    world.project(key.project.as_str()).await;
    assert_eq!(list(&of_project).await, []);
    assert_eq!(list(&TombstoneFilter::default()).await, [tombstone.id]);
}

async fn a_cluster_is_in_use_while_a_tombstone_is_on_it(world: World) {
    let (_, tombstone) = world.buried().await;
    let delete = async |name: &str| {
        let key = cluster(name);
        let app = &world.app;
        app.delete_cluster(&who(), &key, Precondition::None).await
    };
    delete("c2").await.unwrap();
    let refused = delete("c1").await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert!(refused.message.contains("tombstones"), "{refused}");
    world
        .write_off(tombstone.id, Some("payments"))
        .await
        .unwrap();
    delete("c1").await.unwrap();
}

async fn a_write_off_names_the_namespace_and_frees_it(world: World) {
    let (key, tombstone) = world.buried().await;
    for confirm in [None, Some(""), Some("lc"), Some("Payments")] {
        let refused = world.write_off(tombstone.id, confirm).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid);
        assert_eq!(refused.faults[0].field, "confirm");
    }
    let stale = Precondition::Match(vec![99]);
    let app = &world.app;
    let refused = app
        .write_off_tombstone(&who(), tombstone.id, Some("payments"), stale)
        .await;
    assert_eq!(kind(refused), Kind::PreconditionFailed);
    assert!(world.exists(&held("c1")).await);

    world
        .write_off(tombstone.id, Some("payments"))
        .await
        .unwrap();
    assert_eq!(world.leftovers().await, [""; 0]);
    let deed = format!("write-off tombstone/{}", tombstone.id);
    assert_eq!(world.deeds("p").await.last(), Some(&deed));
    let again = world.write_off(tombstone.id, Some("payments")).await;
    assert_eq!(kind(again), Kind::NotFound);
    world.cloud(&key).await;
    world.refer(&key, "c1").await;
    world.app.instantiate(&who(), &key).await.unwrap();
}
