//! The golden path: a slice on two clusters, used by its tenant.

use std::time::Duration;

use dcm_testkit::shared_control_planes;
use dcm_types::documents::Isolation;

use crate::world::{World, kubectl, kubectl_as, next, object, owned, quota, revision, target};

#[tokio::test(flavor = "multi_thread")]
async fn slice_on_two_clusters_is_usable_and_bounded() {
    let planes = shared_control_planes(2);
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let two = world.register("two", planes[1].kubeconfig()).await;
    let revision = revision(&[&one, &two]);
    world.wish(&revision).await;
    for (plane, cluster) in planes.iter().zip([&one, &two]) {
        let key = target(&revision, cluster);
        world.ready(&key, 1).await;
        let access = world.access(&key, "alice").await.unwrap();
        assert!(access.current.as_ref().unwrap().usable);
        assert!(access.pending.is_none());
        let tenant = world.kubeconfig(&access);
        let user = |arguments: &[&str]| kubectl_as(plane, &tenant, arguments);
        // kube-root-ca.crt is one of three; the cluster's first count may miss it (a race between its
        // quota controller and whoever publishes it), so two or three are left, and never more.
        let made =
            (0..5).take_while(|number| user(&["create", "configmap", &format!("c{number}")]).0);
        assert!((2..=3).contains(&made.count()));
        let (ok, text) = user(&["create", "configmap", "more"]);
        assert!(!ok && text.contains("exceeded quota"), "{text}");
        for refused in [
            &["create", "configmap", "x", "-n", "default"][..],
            &["get", "secrets"],
            &["get", "namespaces"],
            &["delete", "resourcequota", "limits"],
        ] {
            let (ok, text) = user(refused);
            assert!(
                !ok && text.to_lowercase().contains("forbidden"),
                "{refused:?}: {text}"
            );
        }
        let namespace = object(plane, &["namespace", revision.slice.namespace.as_str()]).unwrap();
        let labels = &namespace["metadata"]["labels"];
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "baseline");
        assert_eq!(labels["dcm.internal/cloud"], revision.cloud_uid.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn second_run_changes_nothing() {
    let planes = shared_control_planes(2);
    let mut world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let mut revision = revision(&[&one]);
    revision.slice.isolation = Isolation::Strict;
    revision
        .slice
        .labels
        .insert("team".to_owned(), "payments".to_owned());
    let amounts = [
        ("requests.cpu", "1500m"),
        ("limits.memory", "1024Mi"),
        ("pods", "10"),
    ];
    revision.slice.quotas.push(quota("compute", &amounts));
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(500)).await;
    world.ledger.clear();
    // The same revision, asked for again, and by a synchronizer that has just started.
    world.restart().await;
    world.quiet(Duration::from_millis(500)).await;
    let mutations = world.ledger.mutations();
    let about_slice: Vec<_> = mutations
        .iter()
        .filter(|name| !name.contains("Certificate"))
        .collect();
    assert!(!world.ledger.calls().is_empty(), "the second run looked");
    assert!(about_slice.is_empty(), "{about_slice:?}");
    assert_eq!(world.target(&key).await.unwrap().last_error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn update_removes_what_is_not_wished_any_more() {
    let planes = shared_control_planes(2);
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    let mut first = revision(&[&one]);
    first
        .slice
        .labels
        .insert("team".to_owned(), "payments".to_owned());
    first
        .slice
        .permissions
        .push(crate::world::permission("more", &["secrets"]));
    first
        .slice
        .quotas
        .push(quota("extra", &[("secrets", "5"), ("services", "2")]));
    world.wish(&first).await;
    let key = target(&first, &one);
    world.ready(&key, 1).await;
    let mut second = next(&first);
    second.slice.labels.clear();
    second.slice.permissions.remove(0);
    second.slice.permissions[0].rules[0].verbs.truncate(1);
    second.slice.quotas.remove(0);
    second.slice.quotas[0] = quota("extra", &[("secrets", "7")]);
    world.wish(&second).await;
    world.ready(&key, 2).await;
    let namespace = second.slice.namespace.as_str();
    let read = |what: &str, name: &str| object(&planes[0], &[what, name, "-n", namespace]);
    let labels = object(&planes[0], &["namespace", namespace]).unwrap();
    assert_eq!(
        labels["metadata"]["labels"].get("team"),
        None,
        "a removed label disappears"
    );
    assert_eq!(
        read("resourcequota", "limits"),
        None,
        "a removed quota disappears"
    );
    let hard = read("resourcequota", "extra").unwrap()["spec"]["hard"].clone();
    assert_eq!(
        hard,
        serde_json::json!({ "secrets": "7" }),
        "a removed limit disappears"
    );
    let roles = kubectl(&planes[0], &["get", "roles", "-n", namespace, "-o", "json"]);
    let roles: serde_json::Value = serde_json::from_str(&roles).unwrap();
    let roles = roles["items"].as_array().unwrap();
    assert_eq!(roles.len(), 1, "a removed permission's role disappears");
    assert_eq!(roles[0]["rules"][0]["verbs"], serde_json::json!(["get"]));
    let bindings = owned(&planes[0], second.cloud_uid);
    assert_eq!(
        bindings
            .iter()
            .filter(|name| name.contains("rolebinding"))
            .count(),
        1
    );
    world.quiet(Duration::from_millis(500)).await;
    world.ledger.clear();
    let handle = world.handle.clone();
    dcm_types::ports::Synchronizer::nudge(
        &handle,
        dcm_types::ports::Nudge::Cloud(second.cloud.clone()),
    )
    .await
    .unwrap();
    world.quiet(Duration::from_millis(500)).await;
    assert_eq!(world.ledger.mutations(), Vec::<String>::new());
}
