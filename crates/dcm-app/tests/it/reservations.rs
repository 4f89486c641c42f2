//! A namespace on a cluster belongs to the first cloud that wants it; the second learns nothing (T10).

use dcm_app::{Error, Precondition};
use dcm_types::drafts::LogicalCloudDraft;
use dcm_types::{CloudKey, Kind, NamespaceName};

use crate::world::{World, cloud_draft, cloud_key, cluster, kind, who};

on_every_store!(
    the_second_cloud_is_refused_in_every_order,
    the_same_namespace_on_another_cluster_is_free,
    a_cloud_reserves_all_its_members_or_none,
    a_namespace_is_free_after_the_first_is_absent,
    a_dropped_member_stays_reserved_until_it_is_clean,
    of_two_racing_clouds_one_wins,
);

/// Two projects with a cloud of the same name, namespace and cluster.
async fn two(world: &World) -> [CloudKey; 2] {
    world.register(&["c1", "c2"]).await;
    let keys = ["first-project", "second-project"].map(|project| cloud_key(project, "lc"));
    for key in &keys {
        world.project(key.project.as_str()).await;
        world.cloud(key).await;
        world.refer(key, "c1").await;
    }
    keys
}

fn assert_refused_without_a_word_about(
    holder: &CloudKey,
    outcome: Result<dcm_app::Accepted, Error>,
) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(
        error.to_string(),
        "namespace 'payments' is not available on cluster 'edge/c1'"
    );
    let public = format!("{error} {:?} {:?}", error.hint, error.faults);
    assert!(!public.contains(holder.project.as_str()), "{public}");
    assert!(std::error::Error::source(&error).is_none());
}

async fn the_second_cloud_is_refused_in_every_order(world: World) {
    let [first, second] = two(&world).await;
    for (winner, loser) in [(&first, &second), (&second, &first)] {
        world.app.instantiate(&who(), winner).await.unwrap();
        let refused = world.app.instantiate(&who(), loser).await;
        assert_refused_without_a_word_about(winner, refused);
        assert_eq!(
            world.app.cloud_status(&who(), loser).await.unwrap().wish,
            if loser == &second {
                None
            } else {
                Some(dcm_types::documents::Wish::Absent)
            },
        );
        world.app.instantiate(&who(), winner).await.unwrap();
        world.make_ready(winner, "c1").await;
        world.app.terminate(&who(), winner).await.unwrap();
        let refused = world.app.instantiate(&who(), loser).await;
        assert_refused_without_a_word_about(winner, refused);
        world.make_absent(winner, "c1").await;
    }
}

async fn the_same_namespace_on_another_cluster_is_free(world: World) {
    let [first, second] = two(&world).await;
    world.app.instantiate(&who(), &first).await.unwrap();
    world.refer(&second, "c2").await;
    world
        .app
        .delete_reference_of(&who(), &second, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    world.app.instantiate(&who(), &second).await.unwrap();

    let other = cloud_key("second-project", "other");
    let draft = LogicalCloudDraft {
        namespace: Some(NamespaceName::parse("elsewhere").unwrap()),
        ..cloud_draft("other")
    };
    world
        .app
        .create_logical_cloud(&who(), &other.project, draft)
        .await
        .unwrap();
    world.refer(&other, "c1").await;
    world.app.instantiate(&who(), &other).await.unwrap();
}

async fn a_cloud_reserves_all_its_members_or_none(world: World) {
    let [first, second] = two(&world).await;
    world.app.instantiate(&who(), &first).await.unwrap();
    world.refer(&second, "c2").await;
    let refused = world.app.instantiate(&who(), &second).await;
    assert_eq!(kind(refused), Kind::Conflict);
    let namespace = NamespaceName::parse("payments").unwrap();
    let partly = dcm_types::Key::reservation(&cluster("c2"), &namespace);
    assert!(!world.exists(&partly).await);
}

async fn a_namespace_is_free_after_the_first_is_absent(world: World) {
    let [first, second] = two(&world).await;
    world.app.instantiate(&who(), &first).await.unwrap();
    world.app.terminate(&who(), &first).await.unwrap();
    world.make_absent(&first, "c1").await;
    world.app.instantiate(&who(), &second).await.unwrap();
    let refused = world.app.instantiate(&who(), &first).await;
    assert_refused_without_a_word_about(&second, refused);
}

async fn a_dropped_member_stays_reserved_until_it_is_clean(world: World) {
    let [first, second] = two(&world).await;
    world.refer(&first, "c2").await;
    world.app.instantiate(&who(), &first).await.unwrap();
    world
        .app
        .delete_reference_of(&who(), &first, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    world.app.update(&who(), &first).await.unwrap();
    let refused = world.app.instantiate(&who(), &second).await;
    assert_refused_without_a_word_about(&first, refused);
    let in_use = world
        .app
        .delete_cluster(&who(), &cluster("c1"), Precondition::None)
        .await;
    assert_eq!(kind(in_use), Kind::Conflict);
    world.make_absent(&first, "c1").await;
    world.app.instantiate(&who(), &second).await.unwrap();
}

async fn of_two_racing_clouds_one_wins(world: World) {
    let keys = two(&world).await;
    for _ in 0..10 {
        let race = keys.clone().map(|key| {
            let app = world.app.clone();
            tokio::spawn(async move { app.instantiate(&who(), &key).await.map(|_| key) })
        });
        let mut winner = None;
        for outcome in race {
            match outcome.await.unwrap() {
                Ok(key) => assert!(winner.replace(key).is_none(), "both won"),
                Err(error) => assert_eq!(error.kind, Kind::Conflict, "{error}"),
            }
        }
        let winner = winner.expect("one wins");
        world.app.terminate(&who(), &winner).await.unwrap();
        world.make_absent(&winner, "c1").await;
    }
}
