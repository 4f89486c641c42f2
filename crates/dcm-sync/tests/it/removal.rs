//! Nothing is left, and nobody else's is touched.

use std::time::{Duration, Instant};

use dcm_testkit::shared_control_planes;
use dcm_types::documents::{Access, Observed};

use crate::world::{World, kubectl, kubectl_as, next, object, owned, revision, target, terminated};

#[tokio::test(flavor = "multi_thread")]
async fn terminated_slice_leaves_nothing_and_its_certificate_opens_nothing() {
    let planes = shared_control_planes(2);
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let two = world.register("two", planes[1].kubeconfig()).await;
    let revision = revision(&[&one, &two]);
    let keys = [target(&revision, &one), target(&revision, &two)];
    world.wish(&revision).await;
    let mut kubeconfigs = Vec::new();
    for key in &keys {
        world.ready(key, 1).await;
        kubeconfigs.push(world.kubeconfig(&world.access(key, "alice").await.unwrap()));
    }
    world.wish(&terminated(&revision)).await;
    let first_look = world
        .until(&keys[0], "empty", |target| target.emptied_at.is_some())
        .await;
    assert_ne!(
        first_look.observed,
        Observed::Absent,
        "one empty look is not enough"
    );
    assert!(
        world
            .reservation(&one, revision.slice.namespace.as_str())
            .await
    );
    for (plane, key) in planes.iter().zip(&keys) {
        world.absent(key).await;
        assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
        assert_eq!(world.all::<Access>(&key.path()).await, Vec::new());
    }
    let late = world.target(&keys[0]).await.unwrap();
    let waited = late
        .checked_at
        .unwrap()
        .duration_since(late.emptied_at.unwrap());
    assert!(
        waited.as_secs() >= 6,
        "run deadline and call deadline lie between: {waited:?}"
    );
    assert!(
        !world
            .reservation(&one, revision.slice.namespace.as_str())
            .await
    );
    for (plane, kubeconfig) in planes.iter().zip(&kubeconfigs) {
        let (ok, text) = kubectl_as(plane, kubeconfig, &["get", "configmaps"]);
        assert!(!ok && text.to_lowercase().contains("forbidden"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slice_can_be_wished_again_while_it_goes() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let gone = terminated(&revision);
    world.wish(&gone).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut again = next(&gone);
    again.wish = revision.wish;
    again.members = revision.members.clone();
    world.wish(&again).await;
    world.ready(&key, 3).await;
    let access = world.access(&key, "alice").await.unwrap();
    assert!(kubectl_as(plane, &world.kubeconfig(&access), &["get", "configmaps"]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_member_is_cleaned_and_the_others_stay() {
    let planes = shared_control_planes(2);
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let two = world.register("two", planes[1].kubeconfig()).await;
    let revision = revision(&[&one, &two]);
    world.wish(&revision).await;
    world.ready(&target(&revision, &one), 1).await;
    world.ready(&target(&revision, &two), 1).await;
    let mut second = next(&revision);
    second.members.remove(1);
    world.wish(&second).await;
    world.ready(&target(&revision, &one), 2).await;
    let started = Instant::now();
    while world.target(&target(&revision, &two)).await.is_some() {
        assert!(started.elapsed() < crate::world::PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(owned(&planes[1], revision.cloud_uid), Vec::<String>::new());
    assert!(
        !world
            .reservation(&two, revision.slice.namespace.as_str())
            .await
    );
    assert!(!owned(&planes[0], revision.cloud_uid).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_that_waits_for_a_finalizer_says_so() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let namespace = revision.slice.namespace.as_str();
    kubectl(plane, &["create", "configmap", "held", "-n", namespace]);
    let patch = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        kubectl(
            plane,
            &[
                "patch",
                "configmap",
                "held",
                "-n",
                namespace,
                "--type=merge",
                "-p",
                &patch,
            ],
        );
    };
    patch(r#"["example.com/held"]"#);
    world.wish(&terminated(&revision)).await;
    world
        .until(&key, "waiting for the finalizer", |target| {
            target
                .conditions
                .iter()
                .any(|c| c.message.contains("example.com/held"))
        })
        .await;
    assert!(object(plane, &["namespace", namespace]).is_some());
    patch("null");
    world.absent(&key).await;
}
