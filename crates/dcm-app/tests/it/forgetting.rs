//! A cluster that will never return is forgotten, with what clouds had in it, and not in silence.

use dcm_app::Precondition;
use dcm_types::{Key, Kind, NamespaceName};

use crate::members::target_key;
use crate::world::{World, cluster, kind, who};

on_every_store!(
    a_forgotten_cluster_leaves_no_record_but_in_the_audit,
    a_forgotten_member_is_wished_again_by_an_instantiate_only,
    a_tombstone_goes_with_its_cluster,
    labels_keep_a_cluster_also_from_being_forgotten,
);

impl World {
    async fn forget(&self, name: &str) -> Result<(), dcm_app::Error> {
        self.app
            .forget_cluster(&who(), &cluster(name), Precondition::None)
            .await
    }
}

fn held(name: &str) -> Key {
    Key::reservation(&cluster(name), &NamespaceName::parse("payments").unwrap())
}

async fn a_forgotten_cluster_leaves_no_record_but_in_the_audit(world: World) {
    let key = world.cloud_on(&["c1", "c2"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    for name in ["c1", "c2"] {
        world.make_ready(&key, name).await;
        world.issue(&key, name, true).await;
    }
    let kept = world
        .app
        .delete_cluster(&who(), &cluster("c1"), Precondition::None)
        .await;
    assert_eq!(kind(kept), Kind::Conflict);
    let stale = Precondition::Match(vec![99]);
    let refused = world
        .app
        .forget_cluster(&who(), &cluster("c1"), stale)
        .await;
    assert_eq!(kind(refused), Kind::PreconditionFailed);
    world.forget("c1").await.unwrap();

    assert!(!world.exists(&Key::cluster(&cluster("c1"))).await);
    assert!(!world.exists(&Key::target(&target_key(&key, "c1"))).await);
    assert!(!world.exists(&held("c1")).await);
    assert!(world.exists(&held("c2")).await);
    let left = world.leftovers().await;
    assert!(
        !left
            .iter()
            .any(|key| key.starts_with("access/") && key.contains("c1"))
    );
    assert_eq!(
        world.deeds("p").await.last().unwrap(),
        "write-off target/p/lc/edge/c1"
    );
    assert_eq!(
        world.deeds("~system").await.last().unwrap(),
        "forget cluster/edge/c1"
    );
    // What is left of it counts no more: the cloud can go.
    world.app.terminate(&who(), &key).await.unwrap();
    world.make_absent(&key, "c2").await;
    assert_eq!(
        world.delete_cloud(&key).await.unwrap(),
        dcm_app::Deletion::Done
    );
}

async fn a_forgotten_member_is_wished_again_by_an_instantiate_only(world: World) {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let first = world.app.instantiate(&who(), &key).await.unwrap();
    world.forget("c1").await.unwrap();
    // The reference is still there, and names nothing.
    let refused = world.app.update(&who(), &key).await;
    assert_eq!(kind(refused), Kind::NotFound);
    world.register(&["c1"]).await;
    let second = world.app.instantiate(&who(), &key).await.unwrap();
    assert_eq!(second.generation, first.generation + 1);
    assert!(world.exists(&held("c1")).await);
    let third = world.app.instantiate(&who(), &key).await.unwrap();
    assert_eq!(third, second);
}

async fn a_tombstone_goes_with_its_cluster(world: World) {
    let (_, tombstone) = world.buried().await;
    world.forget("c1").await.unwrap();
    assert_eq!(world.leftovers().await, [""; 0]);
    let deed = format!("write-off tombstone/{}", tombstone.id);
    assert_eq!(world.deeds("p").await.last(), Some(&deed));
    assert_eq!(kind(world.forget("c1").await), Kind::NotFound);
}

async fn labels_keep_a_cluster_also_from_being_forgotten(world: World) {
    world.register(&["c1"]).await;
    let label = dcm_types::ClusterLabelName::parse("near").unwrap();
    world
        .app
        .create_cluster_label(&who(), &cluster("c1"), label)
        .await
        .unwrap();
    assert_eq!(kind(world.forget("c1").await), Kind::Conflict);
}
