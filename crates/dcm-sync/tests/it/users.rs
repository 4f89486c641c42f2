//! Users of a cloud: each may do what his own permissions say, and no more; none waits for another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dcm_cluster::meddling::Verdict;
use dcm_cluster::{Call, CallErrorKind};
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::TargetKey;
use dcm_types::UserName;
use dcm_types::documents::{Access, Level, Revision};
use dcm_types::permission::{Extent, Rule};

use crate::world::{
    PATIENCE, World, add_user, kubectl_as, next, owned, permission, revision, target, terminated,
};

/// Lets bob have `Secrets` beside alice, who has `ConfigMaps`.
fn with_bob(revision: &mut Revision) {
    add_user(revision, "bob");
    let mut secrets = permission("secrets", &["secrets"]);
    secrets.user = UserName::parse("bob").unwrap();
    revision.slice.permissions.push(secrets);
}

async fn until_access(
    world: &World,
    key: &TargetKey,
    user: &str,
    holds: impl Fn(Option<&Access>) -> bool,
) -> Option<Access> {
    let started = Instant::now();
    loop {
        let access = world.access(key, user).await;
        if holds(access.as_ref()) {
            return access;
        }
        assert!(started.elapsed() < PATIENCE, "{user}: {access:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_usable(access: Option<&Access>) -> bool {
    access.is_some_and(|access| access.current.as_ref().is_some_and(|c| c.usable))
}

pub(crate) fn may(plane: &ControlPlane, kubeconfig: &str, verb: &str, resource: &str) -> bool {
    let (ok, text) = kubectl_as(plane, kubeconfig, &["auth", "can-i", verb, resource]);
    let answer = if ok { "yes" } else { "no" };
    assert!(text.lines().any(|line| line == answer), "{text}");
    ok
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_has_his_own_rights_and_no_others() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let mut first = revision(&[&one]);
    with_bob(&mut first);
    world.wish(&first).await;
    let key = target(&first, &one);
    world.ready(&key, 1).await;
    let alice = world.access(&key, "alice").await.unwrap();
    let bob = world.access(&key, "bob").await.unwrap();
    assert_ne!(alice.identity, bob.identity);
    let (alice, bob) = (world.kubeconfig(&alice), world.kubeconfig(&bob));
    for (kubeconfig, own, other) in [
        (&alice, "configmaps", "secrets"),
        (&bob, "secrets", "configmaps"),
    ] {
        let (ok, text) = kubectl_as(plane, kubeconfig, &["get", own]);
        assert!(ok, "{text}");
        let (ok, text) = kubectl_as(plane, kubeconfig, &["get", other]);
        assert!(!ok && text.contains("orbidden"), "{text}");
        assert!(!may(plane, kubeconfig, "delete", "resourcequotas"));
    }

    // Bob leaves: what he holds opens nothing, and alice does not notice.
    let mut second = next(&first);
    second.slice.users.pop();
    second.slice.permissions.pop();
    world.wish(&second).await;
    world.ready(&key, 2).await;
    until_access(&world, &key, "bob", |access| access.is_none()).await;
    let (ok, text) = kubectl_as(plane, &bob, &["get", "secrets"]);
    assert!(!ok && text.contains("orbidden"), "{text}");
    assert!(may(plane, &alice, "get", "configmaps"));

    // Another bob is somebody else: the old certificate still opens nothing.
    let mut third = next(&second);
    with_bob(&mut third);
    world.wish(&third).await;
    world.ready(&key, 3).await;
    let (ok, _) = kubectl_as(plane, &bob, &["get", "secrets"]);
    assert!(!ok, "the certificate of the bob who left");
    let newcomer = world.access(&key, "bob").await.unwrap();
    assert!(may(plane, &world.kubeconfig(&newcomer), "get", "secrets"));
    world.quiet(Duration::from_millis(300)).await;

    world.wish(&terminated(&third)).await;
    world.absent(&key).await;
    assert_eq!(owned(plane, third.cloud_uid), Vec::<String>::new());
    assert!(world.access(&key, "bob").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_does_not_wait_for_another_ones_role() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let mut revision = revision(&[&one]);
    with_bob(&mut revision);
    world.ledger.judge(Some(Arc::new(|_, call: &Call| {
        let refused = matches!(call, Call::Create(object)
            if object.kind() == "Role" && object.at("/rules/0/resources/0").is_some_and(|r| r == "secrets"));
        if refused {
            Verdict::FailBefore(CallErrorKind::Forbidden)
        } else {
            Verdict::Pass
        }
    })));
    world.wish(&revision).await;
    let key = target(&revision, &one);
    let alice = until_access(&world, &key, "alice", is_usable)
        .await
        .unwrap();
    let alice = world.kubeconfig(&alice);
    assert!(may(plane, &alice, "get", "configmaps"));
    until_access(&world, &key, "bob", |access| {
        access.is_some_and(|access| access.current.is_some())
    })
    .await;
    let bob = world.access(&key, "bob").await;
    assert!(!is_usable(bob.as_ref()), "his role is not there");
    let names = owned(plane, revision.cloud_uid);
    let bindings = names.iter().filter(|name| name.contains("rolebinding"));
    assert_eq!(bindings.count(), 1, "{names:?}");

    world.ledger.judge(None);
    let nudge = dcm_types::ports::Nudge::Cloud(revision.cloud.clone());
    dcm_types::ports::Synchronizer::nudge(&world.handle, nudge)
        .await
        .unwrap();
    world.ready(&key, 1).await;
    let bob = until_access(&world, &key, "bob", is_usable).await.unwrap();
    assert!(may(plane, &world.kubeconfig(&bob), "get", "secrets"));
}

/// Lines of `kubectl auth can-i --list`: resource, URLs, names, verbs.
fn rights(plane: &ControlPlane, kubeconfig: &str) -> Vec<String> {
    let (ok, text) = kubectl_as(plane, kubeconfig, &["auth", "can-i", "--list"]);
    assert!(ok, "{text}");
    text.lines().skip(1).map(str::to_owned).collect()
}

/// What a user was granted: group, resource, verbs. What every authenticated user has is what somebody
/// without permissions has.
pub(crate) fn granted(
    plane: &ControlPlane,
    user: &str,
    nobody: &str,
) -> Vec<(String, String, Vec<String>)> {
    let everybody = rights(plane, nobody);
    let mut granted: Vec<(String, String, Vec<String>)> = Vec::new();
    for line in rights(plane, user) {
        if everybody.contains(&line) {
            continue;
        }
        let (resource, _) = line.split_once(' ').unwrap();
        let (name, group) = resource.split_once('.').unwrap_or((resource, ""));
        // A group stands after the resource and before its subresource.
        let (group, subresource) = match group.split_once('/') {
            Some((group, subresource)) => (group, Some(subresource)),
            None => (group, None),
        };
        let name = subresource.map_or_else(|| name.to_owned(), |sub| format!("{name}/{sub}"));
        let verbs = line.rsplit_once('[').unwrap().1.trim_end_matches(']');
        let verbs: Vec<String> = verbs.split(' ').map(str::to_owned).collect();
        assert!(!line.contains('*'), "{line}");
        granted.push((group.to_owned(), name, verbs));
    }
    granted
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_exactly_the_fixed_list_inside_the_envelope() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let mut revision = revision(&[&one]);
    add_user(&mut revision, "nobody");
    let all = || vec!["*".to_owned()];
    let written = Rule {
        api_groups: all(),
        resources: all(),
        verbs: all(),
    };
    revision.slice.permissions[0].rules = written.expanded(Extent::Namespace);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let kubeconfig = async |user: &str| {
        let access = world.access(&key, user).await.unwrap();
        world.kubeconfig(&access)
    };
    let (alice, nobody) = (kubeconfig("alice").await, kubeconfig("nobody").await);

    let mut granted = granted(plane, &alice, &nobody);
    let mut wanted: Vec<(String, String, Vec<String>)> = Vec::new();
    for rule in written.expanded(Extent::Namespace) {
        assert!(rule.is_within_envelope(Extent::Namespace));
        for resource in &rule.resources {
            let group = rule.api_groups[0].clone();
            wanted.push((group, resource.clone(), rule.verbs.clone()));
        }
    }
    granted.sort();
    wanted.sort();
    assert_eq!(granted, wanted);

    let (ok, text) = kubectl_as(plane, &alice, &["delete", "resourcequota", "limits"]);
    assert!(!ok && text.contains("orbidden"), "{text}");
    for (verb, resource) in [
        ("create", "roles"),
        ("delete", "limitranges"),
        ("delete", "networkpolicies"),
        ("get", "nodes"),
    ] {
        assert!(!may(plane, &alice, verb, resource), "{verb} {resource}");
    }
    let token = ["create", "token", "default"];
    let (ok, text) = kubectl_as(plane, &alice, &token);
    assert!(!ok && text.contains("orbidden"), "{text}");
    let (ok, text) = kubectl_as(plane, &alice, &["create", "configmap", "mine"]);
    assert!(ok, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_for_an_admin_cloud() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let mut revision = revision(&[&one]);
    revision.level = Level::Admin;
    revision.slice.quotas.clear();
    let key = target(&revision, &one);
    let mut batch = dcm_store::Batch::new();
    batch.put(&revision, dcm_store::Expect::Absent).unwrap();
    world.store.commit(batch).await.unwrap();
    let lifecycle = dcm_types::documents::Lifecycle {
        cloud: revision.cloud.clone(),
        cloud_uid: revision.cloud_uid,
        generation: 1,
        wish: revision.wish,
        delete_when_absent: false,
        paused_at: None,
        history: Vec::new(),
        forgotten: 0,
    };
    world.put(&lifecycle, dcm_store::Expect::Absent).await;
    let nudge = dcm_types::ports::Nudge::Cloud(revision.cloud.clone());
    dcm_types::ports::Synchronizer::nudge(&world.handle, nudge)
        .await
        .unwrap();
    // Another cloud of the same member is made meanwhile, so the driver had its turn.
    let other = crate::world::revision(&[&one]);
    world.wish(&other).await;
    world.ready(&target(&other, &one), 1).await;
    world.quiet(Duration::from_millis(300)).await;
    assert!(world.target(&key).await.is_none());
    assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
}
