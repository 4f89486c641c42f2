//! What somebody changes in a member comes back at once.

use std::time::{Duration, Instant};

use dcm_testkit::shared_control_planes;
use dcm_types::documents::{DriftPolicy, Target};
use serde_json::Value;

use crate::world::{World, kubectl, next, object, quota, revision, target};

/// Long enough for a busy machine, far shorter than the scan interval of these tests (an hour).
const AT_ONCE: Duration = Duration::from_secs(20);

/// Polls until an object satisfies a condition.
async fn comes_back(arguments: &[&str], holds: impl Fn(Option<&Value>) -> bool) {
    let plane = &shared_control_planes(2)[0];
    let started = Instant::now();
    loop {
        let found = object(plane, arguments);
        if holds(found.as_ref()) {
            return;
        }
        assert!(
            started.elapsed() < AT_ONCE,
            "{arguments:?} did not come back: {found:#?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_objects_come_back() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let mut revision = revision(&[&one]);
    revision
        .slice
        .quotas
        .push(quota("compute", &[("limits.cpu", "4")]));
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(300)).await;
    let namespace = revision.slice.namespace.as_str();
    for kind in [
        "rolebindings",
        "roles",
        "resourcequotas",
        "limitranges",
        "networkpolicies",
    ] {
        kubectl(plane, &["delete", kind, "--all", "-n", namespace]);
        comes_back(&[kind, "-n", namespace], |list| {
            list.is_some_and(|list| !list["items"].as_array().unwrap().is_empty())
        })
        .await;
    }
    world.ready(&key, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_fields_come_back_and_those_of_others_stay() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(300)).await;
    let namespace = revision.slice.namespace.as_str();
    let patch = r#"{"spec":{"hard":{"configmaps":"100"}}}"#;
    kubectl(
        plane,
        &[
            "patch",
            "quota",
            "limits",
            "-n",
            namespace,
            "--type=merge",
            "-p",
            patch,
        ],
    );
    comes_back(&["quota", "limits", "-n", namespace], |quota| {
        quota.is_some_and(|quota| quota["spec"]["hard"]["configmaps"] == "3")
    })
    .await;
    kubectl(
        plane,
        &[
            "label",
            "namespace",
            namespace,
            "pod-security.kubernetes.io/enforce=privileged",
            "--overwrite",
        ],
    );
    kubectl(plane, &["label", "namespace", namespace, "somebody=else"]);
    comes_back(&["namespace", namespace], |namespace| {
        namespace.is_some_and(|namespace| {
            namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
        })
    })
    .await;
    let labels = object(plane, &["namespace", namespace]).unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels["somebody"], "else", "a label of somebody else stays");
    let patch = r#"{"spec":{"ingress":[{}]}}"#;
    kubectl(
        plane,
        &[
            "patch",
            "networkpolicy",
            "dcm-ingress",
            "-n",
            namespace,
            "--type=merge",
            "-p",
            patch,
        ],
    );
    comes_back(
        &["networkpolicy", "dcm-ingress", "-n", namespace],
        |policy| policy.is_some_and(|policy| policy["spec"]["ingress"][0].get("from").is_some()),
    )
    .await;
    world.ready(&key, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn object_that_nobody_wished_under_our_label_is_removed() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    world.ready(&target(&revision, &one), 1).await;
    world.quiet(Duration::from_millis(300)).await;
    let namespace = revision.slice.namespace.as_str();
    let role = [
        "create",
        "role",
        "stray",
        "--verb=get",
        "--resource=pods",
        "-n",
        namespace,
    ];
    kubectl(plane, &role);
    let label = format!("dcm.internal/cloud={}", revision.cloud_uid);
    kubectl(plane, &["label", "role", "stray", &label, "-n", namespace]);
    comes_back(&["role", "stray", "-n", namespace], |role| role.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_deleted_by_somebody_is_made_again() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let namespace = revision.slice.namespace.as_str();
    let before = object(plane, &["namespace", namespace]).unwrap()["metadata"]["uid"].clone();
    kubectl(plane, &["delete", "namespace", namespace]);
    comes_back(&["namespace", namespace], |namespace| {
        namespace.is_some_and(|namespace| namespace["metadata"]["uid"] != before)
    })
    .await;
    comes_back(&["rolebindings", "-n", namespace], |list| {
        list.is_some_and(|list| !list["items"].as_array().unwrap().is_empty())
    })
    .await;
    world.ready(&key, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reported_drift_names_who_did_it_and_is_applied_by_the_next_generation() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let mut revision = revision(&[&one]);
    revision.slice.drift = DriftPolicy::Report;
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let namespace = revision.slice.namespace.as_str();
    let patch = r#"{"spec":{"hard":{"configmaps":"100"}}}"#;
    let quota = ["patch", "quota", "limits", "-n", namespace];
    let edit = ["--type=merge", "-p", patch, "--field-manager=meddler"];
    kubectl(plane, &[&quota[..], &edit].concat());
    kubectl(plane, &["delete", "rolebindings", "--all", "-n", namespace]);
    let role = ["create", "role", "stray", "--verb=get", "--resource=pods"];
    kubectl(plane, &[&role[..], &["-n", namespace]].concat());
    let label = format!("dcm.internal/cloud={}", revision.cloud_uid);
    kubectl(plane, &["label", "role", "stray", &label, "-n", namespace]);
    let drifted = |target: &Target, kind: &str, name: &str| {
        let mut objects = target.objects.iter();
        let found = objects.find(|status| {
            status.object.kind == kind && (name.is_empty() || status.object.name == name)
        });
        found.and_then(|status| status.drift.clone())
    };
    let told = world
        .until(&key, "told", |target| {
            drifted(target, "ResourceQuota", "limits").is_some()
                && drifted(target, "RoleBinding", "").is_some()
                && drifted(target, "Role", "stray").is_some()
        })
        .await;
    let quota = drifted(&told, "ResourceQuota", "limits").unwrap();
    assert_eq!(quota.fields[0].field, "spec.hard.configmaps");
    assert_eq!(quota.fields[0].managers, ["meddler"]);
    world.quiet(Duration::from_millis(300)).await;
    let live = object(plane, &["quota", "limits", "-n", namespace]).unwrap();
    assert_eq!(live["spec"]["hard"]["configmaps"], "100");
    assert!(object(plane, &["role", "stray", "-n", namespace]).is_some());

    world.wish(&next(&revision)).await;
    world.ready(&key, 2).await;
    let live = object(plane, &["quota", "limits", "-n", namespace]).unwrap();
    assert_eq!(live["spec"]["hard"]["configmaps"], "3");
    assert!(object(plane, &["role", "stray", "-n", namespace]).is_none());
}
