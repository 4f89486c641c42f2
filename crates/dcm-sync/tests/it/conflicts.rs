//! Nothing foreign is adopted, changed or deleted (T13).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dcm_cluster::Call;
use dcm_cluster::meddling::Verdict;
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::{ConditionStatus, Track};

use crate::world::{World, condition, kubectl, object, owned, revision, target, terminated};

/// Everything of an object but what the API server books by itself.
fn bytes(plane: &ControlPlane, arguments: &[&str]) -> String {
    object(plane, arguments).expect("it is there").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_that_exists_is_left_as_it_is() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let namespace = revision.slice.namespace.to_string();
    kubectl(plane, &["create", "namespace", &namespace]);
    kubectl(
        plane,
        &[
            "create",
            "configmap",
            "work",
            "-n",
            &namespace,
            "--from-literal=a=b",
        ],
    );
    let before = bytes(plane, &["namespace", &namespace]);
    let work = bytes(plane, &["configmap", "work", "-n", &namespace]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let blocked = world
        .until(&key, "blocked", |target| {
            target
                .conditions
                .iter()
                .any(|c| c.track == Track::Namespace && c.status == ConditionStatus::Blocked)
        })
        .await;
    assert_eq!(condition(&blocked, Track::Namespace).reason, "Conflict");
    assert!(condition(&blocked, Track::Namespace).hint.is_some());
    assert_eq!(
        condition(&blocked, Track::Access).reason,
        "WaitsForNamespace"
    );
    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    assert_eq!(bytes(plane, &["namespace", &namespace]), before);
    assert_eq!(bytes(plane, &["configmap", "work", "-n", &namespace]), work);
    assert!(owned(plane, revision.cloud_uid).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn object_planted_between_read_and_create_stays_byte_equal() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    let namespace = revision.slice.namespace.to_string();
    let planted = Arc::new(AtomicBool::new(false));
    let judge = {
        let (planted, namespace) = (Arc::clone(&planted), namespace.clone());
        move |_: usize, call: &Call| {
            if let Call::Create(object) = call
                && object.kind() == "ResourceQuota"
                && object.text("/metadata/namespace") == namespace
                && !planted.swap(true, Ordering::AcqRel)
            {
                // At the very moment between our decision and our POST.
                let arguments = [
                    "create",
                    "quota",
                    "limits",
                    "-n",
                    &namespace,
                    "--hard=pods=1",
                ];
                kubectl(plane, &arguments);
            }
            Verdict::Pass
        }
    };
    world.ledger.judge(Some(Arc::new(judge)));
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let blocked = world
        .until(&key, "blocked", |target| {
            target
                .conditions
                .iter()
                .any(|c| c.track == Track::Quota && c.status == ConditionStatus::Blocked)
        })
        .await;
    assert!(planted.load(Ordering::Acquire));
    assert_eq!(condition(&blocked, Track::Quota).reason, "Conflict");
    let quota = object(plane, &["quota", "limits", "-n", &namespace]).unwrap();
    assert_eq!(quota["spec"]["hard"], serde_json::json!({ "pods": "1" }));
    assert_eq!(quota["metadata"].get("labels"), None);
    assert_eq!(
        quota["metadata"]["managedFields"]
            .as_array()
            .map_or(0, Vec::len),
        0
    );
    // Isolation does not wait for quotas; bindings do.
    assert_eq!(
        condition(&blocked, Track::Isolation).status,
        ConditionStatus::True
    );
    let bindings = kubectl(
        plane,
        &["get", "rolebindings", "-n", &namespace, "-o", "name"],
    );
    assert_eq!(
        bindings.trim(),
        "",
        "no right before the quotas are in force"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn member_that_is_ahead_of_the_store_is_left_alone() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = revision(&[&one]);
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    world.quiet(std::time::Duration::from_millis(300)).await;
    // As after the restore of an old backup: the member has seen generation 9.
    let selector = format!("dcm.internal/cloud={}", first.cloud_uid);
    let anchors = ["annotate", "configmap", "-n", "dcm-system", "-l", &selector];
    kubectl(
        plane,
        &[&anchors[..], &["dcm.internal/generation=9", "--overwrite"]].concat(),
    );
    world.ledger.clear();
    let mut second = crate::world::next(&first);
    second.slice.quotas.clear();
    world.wish(&second).await;
    let refused = world
        .until(&key, "refused", |target| {
            target
                .last_error
                .as_ref()
                .is_some_and(|error| error.category == "ahead")
        })
        .await;
    assert_eq!(
        condition(&refused, Track::Member).status,
        ConditionStatus::Blocked
    );
    world.wish(&terminated(&second)).await;
    world
        .until(&key, "refused again", |t| {
            t.wanted_generation == 3 && t.last_error.is_some()
        })
        .await;
    let about_slice: Vec<_> = world
        .ledger
        .mutations()
        .into_iter()
        .filter(|name| !name.contains("Certificate"))
        .collect();
    assert_eq!(
        about_slice,
        Vec::<String>::new(),
        "nothing is changed or deleted"
    );
    assert!(
        object(
            plane,
            &["quota", "limits", "-n", first.slice.namespace.as_str()]
        )
        .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_knows_nothing_of_a_member_does_not_take_it_back() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = revision(&[&one]);
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    let second = crate::world::next(&first);
    world.wish(&second).await;
    world.ready(&key, 2).await;

    // As after the restore of a backup that is older than the first wish, which is then wished again.
    let restored = World::new();
    restored.register("one", plane.kubeconfig()).await;
    restored.wish(&first).await;
    restored
        .until(&key, "refused", |target| {
            let error = target.last_error.as_ref();
            error.is_some_and(|error| error.category == "ahead")
        })
        .await;
    let selector = format!("dcm.internal/cloud={}", first.cloud_uid);
    let generation = r"jsonpath={.items[*].metadata.annotations.dcm\.internal/generation}";
    let anchors = ["get", "configmap", "-n", "dcm-system", "-l", &selector];
    let told = kubectl(plane, &[&anchors[..], &["-o", generation]].concat());
    assert_eq!(told.trim(), "2");
}
