//! Users of type `service-account`: a token instead of a certificate, where nobody signs certificates.

use std::time::{Duration, Instant};

use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{Access, CredentialKind, Proof, Revision};
use dcm_types::member_name::{service_account, user_identity};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ConditionStatus, TargetKey, Track};

use crate::world::{
    PATIENCE, World, condition, kubectl, kubectl_as, next, object, owned, revision, target,
    terminated,
};

/// Lets alice be a robot.
fn robot(mut revision: Revision) -> Revision {
    revision.slice.users[0].credential = CredentialKind::ServiceAccount;
    revision
}

/// The name of her service account.
fn account(revision: &Revision) -> String {
    service_account("alice", &revision.slice.users[0].identity)
}

fn bound_to(access: &Access) -> &str {
    match &access.current.as_ref().unwrap().proof {
        Proof::Token { account_uid } => account_uid,
        Proof::Certificate { .. } => "a certificate",
    }
}

fn get(plane: &ControlPlane, kubeconfig: &str) -> (bool, String) {
    kubectl_as(plane, kubeconfig, &["get", "configmaps"])
}

async fn nudge(world: &World, key: &TargetKey) {
    let nudge = Nudge::Cloud(key.cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
}

/// Waits until alice has a usable credential of a later epoch.
async fn until_newer(world: &World, key: &TargetKey, than: &Access) -> Access {
    let epoch = |access: &Access| access.current.as_ref().map(|current| current.epoch);
    let started = Instant::now();
    loop {
        let access = world.access(key, "alice").await.unwrap();
        let usable = access.current.as_ref().is_some_and(|c| c.usable);
        if usable && epoch(&access) > epoch(than) {
            return access;
        }
        assert!(started.elapsed() < PATIENCE, "{access:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_is_permitted_and_dies_with_a_revocation() {
    let plane = &shared_control_planes(2)[0];
    let mut world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = robot(revision(&[&one]));
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    let access = world.access(&key, "alice").await.unwrap();
    assert!(access.pending.is_none(), "no certificate is asked for");
    let kubeconfig = world.kubeconfig(&access);
    assert!(get(plane, &kubeconfig).0);
    let who = [
        "auth",
        "whoami",
        "-o",
        "jsonpath={.status.userInfo.username}",
    ];
    let (_, who) = kubectl_as(plane, &kubeconfig, &who);
    assert_eq!(
        who,
        format!("system:serviceaccount:dcm-system:{}", account(&first))
    );
    for refused in [
        &["get", "secrets"][..],
        &["get", "configmaps", "-n", "default"],
        &["delete", "resourcequota", "limits"],
        &["create", "token", "default"],
    ] {
        let (ok, text) = kubectl_as(plane, &kubeconfig, refused);
        assert!(!ok && text.contains("orbidden"), "{refused:?}: {text}");
    }
    // Whoever may create pods or secrets in the namespace cannot borrow it: it is not there.
    let namespace = first.slice.namespace.as_str();
    let there = kubectl(
        plane,
        &["get", "serviceaccounts", "-n", namespace, "-o", "name"],
    );
    assert!(!there.contains(&account(&first)), "{there}");
    world.quiet(Duration::from_millis(300)).await;
    world.restart().await;
    world.quiet(Duration::from_millis(300)).await;
    world.ledger.clear();
    nudge(&world, &key).await;
    world.quiet(Duration::from_millis(300)).await;
    assert_eq!(world.ledger.mutations(), [""; 0], "a second run");

    let mut second = next(&first);
    let (cloud, alice) = (second.cloud_uid, &mut second.slice.users[0]);
    alice.identity = user_identity(cloud, cloud, alice.uid, 2);
    world.wish(&second).await;
    world.ready(&key, 2).await;
    let (ok, text) = get(plane, &kubeconfig);
    assert!(!ok, "{text}");
    let old = ["serviceaccount", "-n", "dcm-system", &account(&first)];
    assert_eq!(object(plane, &old), None);
    let newer = until_newer(&world, &key, &access).await;
    assert!(get(plane, &world.kubeconfig(&newer)).0);

    world.wish(&terminated(&second)).await;
    world.absent(&key).await;
    assert!(!get(plane, &world.kubeconfig(&newer)).0);
    assert_eq!(owned(plane, first.cloud_uid), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_somebody_deletes_comes_back_with_another_token() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = robot(revision(&[&one]));
    let key = target(&revision, &one);
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    let access = world.access(&key, "alice").await.unwrap();
    let name = account(&revision);
    kubectl(
        plane,
        &["delete", "serviceaccount", "-n", "dcm-system", &name],
    );
    let newer = until_newer(&world, &key, &access).await;
    assert_ne!(bound_to(&newer), bound_to(&access));
    world.ready(&key, 1).await;
    assert!(get(plane, &world.kubeconfig(&newer)).0);
    // The API server believes a token that it has seen for some seconds more.
    let (old, started) = (world.kubeconfig(&access), Instant::now());
    while get(plane, &old).0 {
        assert!(started.elapsed() < PATIENCE, "the old token still works");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_after_a_third_of_its_life_without_a_gap() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = robot(revision(&[&one]));
    let key = target(&revision, &one);
    world.wish(&revision).await;
    let ready = world.ready(&key, 1).await;
    let access = world.access(&key, "alice").await.unwrap();
    let current = access.current.as_ref().unwrap();
    let life = current.not_after.as_second() - current.not_before.as_second();
    assert!((life - 24 * 3600).abs() <= 2, "{life}");
    let renewal = ready.check_at.unwrap().as_second() - current.not_before.as_second();
    assert!((renewal - 8 * 3600).abs() <= 2, "{renewal}");
    world.quiet(Duration::from_millis(300)).await;
    world.ledger.clear();
    world.clock.advance(Duration::from_hours(9));
    nudge(&world, &key).await;
    let newer = until_newer(&world, &key, &access).await;
    for access in [&access, &newer] {
        let (ok, text) = get(plane, &world.kubeconfig(access));
        assert!(ok, "{text}");
    }
    let mutations = world.ledger.mutations();
    assert!(
        mutations.iter().all(|name| !name.contains("RoleBinding")),
        "{mutations:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_account_of_the_name_is_left_alone() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let warm = revision(&[&one]);
    world.wish(&warm).await;
    world.ready(&target(&warm, &one), 1).await;
    let revision = robot(revision(&[&one]));
    let name = account(&revision);
    let account = ["serviceaccount", "-n", "dcm-system", &name];
    kubectl(plane, &[&["create"][..], &account].concat());
    let before = object(plane, &account);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    let blocked = world
        .until(&key, "blocked", |target| {
            let blocked = ConditionStatus::Blocked;
            target.conditions.iter().any(|c| c.status == blocked)
        })
        .await;
    assert_eq!(condition(&blocked, Track::Access).reason, "Conflict");
    assert_eq!(object(plane, &account), before);
    let access = world.access(&key, "alice").await;
    assert!(access.is_none_or(|access| access.current.is_none()));
    kubectl(plane, &[&["delete"][..], &account].concat());
    nudge(&world, &key).await;
    world.ready(&key, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_type_changes_holds_one_credential_only() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = revision(&[&one]);
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    let certificate = world.access(&key, "alice").await.unwrap();
    world.wish(&robot(next(&first))).await;
    world.ready(&key, 2).await;
    let token = until_newer(&world, &key, &certificate).await;
    assert!(get(plane, &world.kubeconfig(&token)).0);
    assert!(!get(plane, &world.kubeconfig(&certificate)).0);
    let third = Revision {
        generation: 3,
        ..first.clone()
    };
    world.wish(&third).await;
    world.ready(&key, 3).await;
    let again = until_newer(&world, &key, &token).await;
    assert!(get(plane, &world.kubeconfig(&again)).0);
    assert!(!get(plane, &world.kubeconfig(&token)).0);
}
