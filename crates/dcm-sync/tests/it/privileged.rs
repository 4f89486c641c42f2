//! Privileged clouds: what a permission outside of the own namespace becomes, and that it goes again.

use std::time::{Duration, Instant};

use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{Revision, Target};
use dcm_types::permission::{Extent, Rule};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{Condition, ConditionStatus, TargetKey, Track};

use crate::users::{granted, may};
use crate::world::{
    PATIENCE, World, add_user, condition, kubectl, kubectl_as, next, object, outside, owned,
    revision, target, terminated, unique,
};

/// A namespace that belongs to nobody's cloud.
pub(crate) fn stranger(plane: &ControlPlane) -> String {
    let name = format!("other-{}-{}", std::process::id(), unique());
    kubectl(plane, &["create", "namespace", &name]);
    name
}

/// Lets alice read nodes and pods everywhere, and write `ConfigMaps` in another namespace.
pub(crate) fn reaching(revision: &mut Revision, other: &str) {
    let permissions = &mut revision.slice.permissions;
    permissions.push(outside("look", &["nodes", "pods"], None));
    permissions.push(outside("beside", &["configmaps"], Some(other)));
}

fn of_cloud(plane: &ControlPlane, revision: &Revision, kind: &str) -> serde_json::Value {
    let selector = format!("dcm.internal/cloud={}", revision.cloud_uid);
    let list = object(plane, &[kind, "-A", "-l", &selector]);
    list.map_or_else(|| serde_json::json!([]), |mut list| list["items"].take())
}

fn name_of(plane: &ControlPlane, revision: &Revision, kind: &str) -> String {
    let items = of_cloud(plane, revision, kind);
    items[0]["metadata"]["name"].as_str().unwrap().to_owned()
}

async fn nudge(world: &World, revision: &Revision) {
    let nudge = Nudge::Cloud(revision.cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
}

/// Whether something is true of access while everything else is there.
pub(crate) fn only_access(target: &Target, is: impl Fn(&Condition) -> bool) -> bool {
    let mut others = target
        .conditions
        .iter()
        .filter(|c| c.track != Track::Access);
    access_is(target, is) && others.all(|c| c.status == ConditionStatus::True)
}

fn access_is(target: &Target, is: impl Fn(&Condition) -> bool) -> bool {
    let mut conditions = target.conditions.iter();
    conditions.any(|condition| condition.track == Track::Access && is(condition))
}

async fn tenant(world: &World, key: &TargetKey) -> String {
    world.kubeconfig(&world.access(key, "alice").await.unwrap())
}

/// Polls until something is true of the member.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_tenant_reaches_out_as_far_as_granted() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let (other, third) = (stranger(plane), stranger(plane));
    let mut revision = revision(&[&one]);
    reaching(&mut revision, &other);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let alice = tenant(&world, &key).await;
    for (granted, arguments) in [
        (true, &["get", "nodes"][..]),
        (true, &["get", "pods", "-A"]),
        (true, &["get", "pods", "-n", "kube-system"]),
        (true, &["create", "configmap", "mine", "-n", &other]),
        (true, &["create", "configmap", "mine"]),
        (false, &["create", "configmap", "mine", "-n", &third]),
        (false, &["get", "configmaps", "-A"]),
        (false, &["get", "secrets", "-n", &other]),
        (false, &["get", "secrets", "-n", "kube-system"]),
        (false, &["get", "namespaces"]),
        (false, &["delete", "node", "none"]),
        (false, &["create", "quota", "mine", "-n", &other]),
        (false, &["get", "clusterroles"]),
        (
            false,
            &[
                "create",
                "clusterrolebinding",
                "mine",
                "--clusterrole=cluster-admin",
                "--user=x",
            ],
        ),
        (false, &["delete", "namespace", &other]),
    ] {
        let (ok, text) = kubectl_as(plane, &alice, arguments);
        assert_eq!(ok, granted, "{arguments:?}: {text}");
        assert!(ok || text.to_lowercase().contains("forbidden"), "{text}");
    }
    let role = &of_cloud(plane, &revision, "clusterroles")[0];
    let annotations = &role["metadata"]["annotations"];
    assert_eq!(
        annotations["dcm.internal/logical-cloud"],
        revision.cloud.to_string()
    );
    world.quiet(Duration::from_millis(500)).await;
    world.ledger.clear();
    nudge(&world, &revision).await;
    world.quiet(Duration::from_millis(500)).await;
    assert!(!world.ledger.calls().is_empty(), "the second run looked");
    assert_eq!(world.ledger.mutations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_everywhere_is_exactly_the_fixed_list_of_reading() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let all = || vec!["*".to_owned()];
    let written = Rule {
        api_groups: all(),
        resources: all(),
        verbs: all(),
    };
    let mut revision = revision(&[&one]);
    add_user(&mut revision, "nobody");
    revision.slice.permissions = vec![outside("all", &["pods"], None)];
    revision.slice.permissions[0].rules = written.expanded(Extent::Cluster);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let alice = tenant(&world, &key).await;
    let nobody = world.kubeconfig(&world.access(&key, "nobody").await.unwrap());
    let mut granted = granted(plane, &alice, &nobody);
    let mut wanted: Vec<_> = written
        .expanded(Extent::Cluster)
        .into_iter()
        .flat_map(|rule| {
            let group = rule.api_groups[0].clone();
            let one = move |resource| (group.clone(), resource, rule.verbs.clone());
            rule.resources.into_iter().map(one)
        })
        .collect();
    granted.sort();
    wanted.sort();
    assert_eq!(granted, wanted);
    for (verb, resource) in [("create", "pods"), ("get", "secrets")] {
        assert!(!may(plane, &alice, verb, resource), "{verb} {resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_that_is_missing_holds_back_only_what_goes_there() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let other = format!("late-{}-{}", std::process::id(), unique());
    let mut revision = revision(&[&one]);
    reaching(&mut revision, &other);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let blocked = world
        .until(&key, "blocked on access, with the rest there", |target| {
            only_access(target, |access| access.status == ConditionStatus::Blocked)
        })
        .await;
    let access = condition(&blocked, Track::Access);
    assert_eq!(access.reason, "NamespaceMissing");
    assert!(
        access.message.contains(&other) && access.hint.is_some(),
        "{access:?}"
    );
    eventually("a namespace is not made for it", || {
        object(plane, &["namespace", &other]).is_none()
    })
    .await;
    // What does not go there is there, and is used.
    world
        .until(&key, "waiting for nothing else", |target| {
            let mut objects = target.objects.iter();
            objects.all(|o| o.object.namespace.as_deref() == Some(&*other) || o.reason == "Ready")
        })
        .await;
    let alice = tenant(&world, &key).await;
    assert!(
        world
            .access(&key, "alice")
            .await
            .unwrap()
            .current
            .unwrap()
            .usable
    );
    assert!(kubectl_as(plane, &alice, &["get", "nodes"]).0);
    assert!(kubectl_as(plane, &alice, &["get", "configmaps"]).0);

    // Nobody tells us that it is there.
    kubectl(plane, &["create", "namespace", &other]);
    world.ready(&key, 1).await;
    assert!(kubectl_as(plane, &alice, &["get", "configmaps", "-n", &other]).0);

    // And it goes again, with what was in it.
    kubectl(plane, &["delete", "namespace", &other]);
    world
        .until(&key, "blocked again", |target| {
            access_is(target, |access| access.reason == "NamespaceMissing")
        })
        .await;
    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_outside_comes_back() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let other = stranger(plane);
    let mut revision = revision(&[&one]);
    reaching(&mut revision, &other);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(300)).await;
    let selector = format!("dcm.internal/cloud={}", revision.cloud_uid);
    for kind in ["clusterrolebindings", "clusterroles"] {
        kubectl(plane, &["delete", kind, "-l", &selector]);
        eventually(kind, || {
            of_cloud(plane, &revision, kind).as_array().unwrap().len() == 1
        })
        .await;
    }
    for kind in ["rolebindings", "roles"] {
        kubectl(plane, &["delete", kind, "-l", &selector, "-n", &other]);
        eventually(kind, || {
            let found = object(plane, &[kind, "-n", &other, "-l", &selector]);
            found.is_some_and(|found| found["items"].as_array().unwrap().len() == 1)
        })
        .await;
    }
    world.ready(&key, 1).await;
    world.quiet(Duration::from_millis(300)).await;
    let role = name_of(plane, &revision, "clusterroles");
    let rules = || of_cloud(plane, &revision, "clusterroles")[0]["rules"].clone();
    let before = rules();
    let wide = r#"{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}"#;
    kubectl(
        plane,
        &["patch", "clusterrole", &role, "--type=merge", "-p", wide],
    );
    eventually("narrow rules", || rules() == before).await;
    // An aggregate would be filled again by the cluster itself.
    let aggregate = r#"{"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}}"#;
    kubectl(
        plane,
        &[
            "patch",
            "clusterrole",
            &role,
            "--type=merge",
            "-p",
            aggregate,
        ],
    );
    eventually("no aggregate", || {
        let found = of_cloud(plane, &revision, "clusterroles");
        found[0].get("rules") == Some(&before) && found[0].get("aggregationRule").is_none()
    })
    .await;
    // A reference of a binding cannot be changed, so somebody makes it anew.
    let binding = name_of(plane, &revision, "clusterrolebindings");
    let mut forged = object(plane, &["clusterrolebinding", &binding]).unwrap();
    forged["roleRef"]["name"] = "cluster-admin".into();
    for member in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    ] {
        forged["metadata"].as_object_mut().unwrap().remove(member);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), forged.to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    kubectl(plane, &["replace", "--force", "-f", path]);
    eventually("our role", || {
        let found = of_cloud(plane, &revision, "clusterrolebindings");
        found[0]["roleRef"]["name"] == role.as_str()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permission_that_goes_or_moves_leaves_nothing_behind() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let (other, third) = (stranger(plane), stranger(plane));
    let mut first = revision(&[&one]);
    reaching(&mut first, &other);
    let permissions = &mut first.slice.permissions;
    permissions.push(outside("more", &["events"], None));
    permissions.push(outside("third", &["configmaps"], Some(&third)));
    world.wish(&first).await;
    let key = target(&first, &one);
    world.ready(&key, 1).await;
    let alice = tenant(&world, &key).await;

    // One permission goes, and one moves.
    let mut second = next(&first);
    second
        .slice
        .permissions
        .retain(|p| p.name.as_str() != "more");
    let moved = outside("third", &["configmaps"], Some(&other)).reach;
    second.slice.permissions.last_mut().unwrap().reach = moved;
    world.wish(&second).await;
    world.ready(&key, 2).await;
    assert!(!kubectl_as(plane, &alice, &["get", "events", "-A"]).0);
    assert!(!kubectl_as(plane, &alice, &["get", "configmaps", "-n", &third]).0);
    let selector = format!("dcm.internal/cloud={}", first.cloud_uid);
    let left = [
        "get",
        "roles,rolebindings",
        "-n",
        &third,
        "-l",
        &selector,
        "-o",
        "name",
    ];
    assert_eq!(kubectl(plane, &left), "");
    for kind in ["clusterroles", "clusterrolebindings"] {
        assert_eq!(
            of_cloud(plane, &first, kind).as_array().unwrap().len(),
            1,
            "{kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_after_a_cloud_is_ordinary_again_is_found() {
    let plane = &shared_control_planes(2)[0];
    let mut world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let other = stranger(plane);
    let mut first = revision(&[&one]);
    reaching(&mut first, &other);
    world.wish(&first).await;
    let key = target(&first, &one);
    world.ready(&key, 1).await;
    let alice = tenant(&world, &key).await;

    // It is an ordinary cloud again, and somebody puts an old binding of it back after that.
    let binding = &of_cloud(plane, &first, "clusterrolebindings")[0];
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut stale = binding.clone();
    for member in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    ] {
        stale["metadata"].as_object_mut().unwrap().remove(member);
    }
    std::fs::write(file.path(), stale.to_string()).unwrap();
    let mut second = next(&first);
    second.slice.permissions.retain(|p| p.reach.is_own());
    world.wish(&second).await;
    world.ready(&key, 2).await;
    let names = owned(plane, first.cloud_uid);
    assert!(
        names.iter().all(|name| !name.contains("clusterrole")),
        "{names:?}"
    );
    assert!(!kubectl_as(plane, &alice, &["get", "nodes"]).0);
    assert!(kubectl_as(plane, &alice, &["get", "configmaps"]).0);
    kubectl(plane, &["create", "-f", file.path().to_str().unwrap()]);
    world.restart().await;
    eventually("the old binding is found", || {
        of_cloud(plane, &first, "clusterrolebindings")
            .as_array()
            .unwrap()
            .is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_is_left_behind() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let other = stranger(plane);
    let mut first = revision(&[&one]);
    reaching(&mut first, &other);
    world.wish(&first).await;
    let key = target(&first, &one);
    world.ready(&key, 1).await;
    let alice = tenant(&world, &key).await;

    world.ledger.clear();
    world.wish(&terminated(&first)).await;
    world.absent(&key).await;
    assert_eq!(owned(plane, first.cloud_uid), Vec::<String>::new());
    assert!(!kubectl_as(plane, &alice, &["get", "nodes"]).0);
    let deleted: Vec<String> = world
        .ledger
        .mutations()
        .into_iter()
        .filter(|call| call.starts_with("delete"))
        .collect();
    let last_binding = deleted
        .iter()
        .rposition(|call| call.contains("Binding"))
        .unwrap();
    let first_other = deleted
        .iter()
        .position(|call| !call.contains("Binding"))
        .unwrap();
    assert!(last_binding < first_other, "{deleted:?}");
    assert!(
        object(plane, &["namespace", &other]).is_some(),
        "never ours to delete"
    );
    let looks = world.ledger.calls().iter().filter(|call| {
        matches!(call, dcm_cluster::Call::List { resource: dcm_cluster::Resource::ClusterRole, selector, .. } if selector.contains('='))
    }).count();
    assert!(looks >= 3, "it was looked for twice after it went: {looks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_objects_outside_are_left_as_they_are() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let other = stranger(plane);
    let mut revision = revision(&[&one]);
    reaching(&mut revision, &other);
    let (cloud, uid) = (&revision.cloud, revision.cloud_uid);
    let identity = &revision.slice.users[0].identity;
    let look = &revision.slice.permissions[1];
    let beside = &revision.slice.permissions[2];
    let binding =
        dcm_types::member_name::outer_binding(cloud, uid, look.uid, look.name.as_str(), identity);
    let role = dcm_types::member_name::outer_role(cloud, uid, beside.uid, beside.name.as_str());
    kubectl(
        plane,
        &[
            "create",
            "clusterrolebinding",
            &binding,
            "--clusterrole=view",
            "--user=somebody",
        ],
    );
    kubectl(
        plane,
        &[
            "create",
            "role",
            &role,
            "-n",
            &other,
            "--verb=get",
            "--resource=pods",
        ],
    );
    let read = || {
        let binding = object(plane, &["clusterrolebinding", &binding]);
        (
            binding.unwrap(),
            object(plane, &["role", &role, "-n", &other]).unwrap(),
        )
    };
    let before = read();
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let blocked = world
        .until(&key, "blocked", |target| {
            access_is(target, |access| access.status == ConditionStatus::Blocked)
        })
        .await;
    assert_eq!(condition(&blocked, Track::Access).reason, "Conflict");
    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    assert_eq!(read(), before);
    assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
    kubectl(plane, &["delete", "clusterrolebinding", &binding]);
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_of_another_cloud_is_not_entered() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let (holder, other) = (revision(&[&one]), stranger(plane));
    world.wish(&holder).await;
    world.ready(&target(&holder, &one), 1).await;
    let mut revision = revision(&[&one]);
    reaching(&mut revision, holder.slice.namespace.as_str());
    revision
        .slice
        .permissions
        .push(outside("other", &["configmaps"], Some(&other)));
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let blocked = world
        .until(&key, "blocked", |target| {
            access_is(target, |access| access.reason == "Conflict")
        })
        .await;
    let access = condition(&blocked, Track::Access);
    assert!(
        access.message.contains("belongs to another logical cloud"),
        "{access:?}"
    );
    assert!(access.hint.is_some());
    let selector = format!("dcm.internal/cloud={}", revision.cloud_uid);
    let in_namespace = |name: &str| {
        let arguments = [
            "get",
            "roles,rolebindings",
            "-n",
            name,
            "-l",
            &selector,
            "-o",
            "name",
        ];
        kubectl(plane, &arguments).lines().count()
    };
    eventually("access to the namespace of nobody", || {
        in_namespace(&other) == 2
    })
    .await;
    assert_eq!(in_namespace(holder.slice.namespace.as_str()), 0);

    // Somebody's cloud takes a namespace where we were let in: we leave.
    let label = format!("dcm.internal/cloud={}", holder.cloud_uid);
    kubectl(plane, &["label", "namespace", &other, &label]);
    nudge(&world, &revision).await;
    eventually("what is ours left", || in_namespace(&other) == 0).await;
    kubectl(
        plane,
        &["label", "namespace", &other, "dcm.internal/cloud-"],
    );
}
