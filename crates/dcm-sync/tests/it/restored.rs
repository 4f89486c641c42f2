//! A store that is older than its members, as after a restore from a backup: nothing goes back, and an operator
//! can decide that the store is right.

use dcm_testkit::shared_control_planes;

use crate::world::{World, next, object, quota, revision, target};

#[tokio::test(flavor = "multi_thread")]
async fn older_store_is_refused_until_its_generation_is_raised_above_the_members() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let old = revision(&[&one]);
    let key = target(&old, &one);
    world.wish(&old).await;
    world.ready(&key, 1).await;
    let mut newest = old.clone();
    newest.generation = 7;
    newest.slice.quotas = vec![quota("limits", &[("configmaps", "7")])];
    world.wish(&newest).await;
    world.ready(&key, 7).await;

    // The backup knew the second generation.
    let mut restored = next(&old);
    restored.slice.quotas = vec![quota("limits", &[("configmaps", "2")])];
    world.wish(&restored).await;
    let refused = world
        .until(&key, "ahead", |target| target.last_error.is_some())
        .await;
    let last = refused.last_error.unwrap();
    assert_eq!(
        (last.category.as_str(), last.member_generation),
        ("ahead", Some(7))
    );
    assert!(last.hint.contains("adopt-generation"), "{}", last.hint);
    let limit = || {
        let namespace = old.slice.namespace.as_str();
        let quota = object(plane, &["resourcequota", "limits", "-n", namespace]).unwrap();
        quota["spec"]["hard"]["configmaps"].clone()
    };
    assert_eq!(limit(), "7", "nothing goes back by itself");

    // What `adopt-generation` commits: the same wish, above the member's.
    let mut adopted = restored.clone();
    adopted.generation = 8;
    world.wish(&adopted).await;
    world.ready(&key, 8).await;
    assert_eq!(limit(), "2");
}
