//! A simulated member that is away for days, in virtual time: how often it is called meanwhile, what happens at its
//! return, and what becomes of a cloud that is deleted in between.

use std::time::Duration;

use dcm_cluster::{Call, Resource};
use dcm_testkit::kubesim::{Fault, Member, Request, Rule, User, When};
use dcm_types::documents::{CredentialKind, LastError, Target};
use dcm_types::ports::{Nudge, Synchronizer as _};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::tombstones::{bury, until_gone};
use crate::world::{
    World, add_user, next, outside, permission, quota, revision, target, terminated,
};

/// Changes of the wish while nobody answers.
const CHANGES: u64 = 50;
const DAY: Duration = Duration::from_hours(24);
/// Everything that a cloud can have in a member.
const LISTS: [&str; 11] = [
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/resourcequotas",
    "/api/v1/limitranges",
    "/api/v1/serviceaccounts",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
];

fn dark(member: &Member) {
    member
        .faults()
        .add(Rule::new(Fault::ConnectRefused, When::Always));
}

fn owned(member: &Member) -> Vec<String> {
    let list = |path: &str| {
        let list = member.object(&format!("{path}?labelSelector=dcm.internal%2Fcloud"));
        let items = list.unwrap()["items"].as_array().cloned().unwrap();
        let plural = path.rsplit('/').next().unwrap().to_owned();
        items
            .into_iter()
            .map(move |item| format!("{plural}/{}", item["metadata"]["name"].as_str().unwrap()))
    };
    LISTS.into_iter().flat_map(list).collect()
}

fn configmaps(member: &Member, namespace: &str) -> Value {
    let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/limits");
    member.object(&path).unwrap()["spec"]["hard"]["configmaps"].clone()
}

/// How often each kind was listed, in a namespace or in the whole cluster.
fn lists(world: &World, in_namespace: bool) -> Vec<(Resource, usize)> {
    let calls = world.ledger.calls();
    let listed = |wanted: Resource| {
        let of = |call: &&Call| {
            matches!(call, Call::List { resource, namespace, .. }
                if *resource == wanted && namespace.is_some() == in_namespace)
        };
        (wanted, calls.iter().filter(of).count())
    };
    Resource::STANDARD.into_iter().map(listed).collect()
}

fn out_of_reach(target: &Target) -> bool {
    let last = target.last_error.as_ref();
    last.is_some_and(LastError::says_no_contact)
}

#[tokio::test(start_paused = true)]
async fn three_days_away_with_fifty_changes_end_in_one_list_and_prune() {
    let (world, members) = World::simulated_as_delivered(&["one"]);
    let member = &members[0];
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    let mut wish = revision(&[&one]);
    wish.slice
        .permissions
        .push(permission("more", &["secrets"]));
    let (key, namespace) = (target(&wish, &one), wish.slice.namespace.to_string());
    world.wish(&wish).await;
    world.ready(&key, 1).await;

    dark(member);
    wish.slice.permissions.pop();
    let mut changes = 0;
    for day in 1..=3_u32 {
        let before = member.faults().calls();
        for _ in 0..=CHANGES / 3 {
            if changes < CHANGES {
                changes += 1;
                wish = next(&wish);
                let limit = (3 + changes).to_string();
                wish.slice.quotas = vec![quota("limits", &[("configmaps", &limit)])];
                world.wish(&wish).await;
            }
            tokio::time::sleep(DAY / 17).await;
        }
        let calls = member.faults().calls() - before;
        assert!((200..=300).contains(&calls), "{calls} calls on day {day}");
    }
    assert_eq!((changes, wish.generation), (CHANGES, CHANGES + 1));
    let waiting = world.handle.report().await.unwrap().waiting;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(out_of_reach(&world.target(&key).await.unwrap()));
    assert_eq!(configmaps(member, &namespace), "3", "nothing came through");

    world.ledger.clear();
    member.faults().clear();
    let back = Instant::now();
    while world.ledger.calls().is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let probed = Instant::now();
    world.ready(&key, CHANGES + 1).await;
    // Both are virtual times: nothing here depends on the machine.
    assert!(
        back.elapsed() <= Duration::from_mins(6),
        "{:?}",
        back.elapsed()
    );
    assert!(
        probed.elapsed() <= Duration::from_mins(1),
        "{:?}",
        probed.elapsed()
    );
    assert_eq!(configmaps(member, &namespace), (3 + CHANGES).to_string());
    for (resource, count) in lists(&world, true) {
        assert!(
            count <= 1,
            "{resource:?} was listed {count} times in the namespace"
        );
    }
    for (resource, count) in lists(&world, false) {
        let ours = usize::from(resource == Resource::CertificateSigningRequest);
        assert!(count <= 1 + ours, "{resource:?} was listed {count} times");
    }
    let mut pruned = world.ledger.mutations();
    pruned.retain(|name| name.starts_with("delete Role"));
    assert_eq!(pruned.len(), 2, "one binding and its role go: {pruned:?}");
    let roles = owned(member)
        .into_iter()
        .filter(|name| name.starts_with("roles/"));
    assert_eq!(roles.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn everything_of_a_cloud_that_was_deleted_while_its_member_was_dark_goes_at_its_return() {
    let (world, members) = World::simulated_as_delivered(&["one"]);
    let member = &members[0];
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    let namespace = json!({ "metadata": { "name": "other" } });
    let create = Request::new("POST", "/api/v1/namespaces").with_body(&namespace);
    assert_eq!(member.request(&User::admin(), &create).status, 201);
    // With all that does not go with its namespace: rights outside of it, and an account.
    let mut cloud = revision(&[&one]);
    add_user(&mut cloud, "robot");
    cloud.slice.users[1].credential = CredentialKind::ServiceAccount;
    cloud
        .slice
        .permissions
        .push(outside("see", &["pods"], None));
    cloud
        .slice
        .permissions
        .push(outside("work", &["configmaps"], Some("other")));
    let (key, namespace) = (target(&cloud, &one), cloud.slice.namespace.to_string());
    world.wish(&cloud).await;
    world.ready(&key, 1).await;
    for part in ["clusterroles/", "serviceaccounts/", "namespaces/"] {
        let all = owned(member);
        assert!(all.iter().any(|name| name.starts_with(part)), "{all:?}");
    }

    dark(member);
    let gone = terminated(&cloud);
    world.wish(&gone).await;
    world
        .until(&key, "out of reach", |target| {
            target.wanted_generation == 2 && out_of_reach(target)
        })
        .await;
    let tombstone = bury(&world, &gone, &one).await;
    tokio::time::sleep(DAY).await;
    assert!(world.target(&key).await.is_none(), "the cloud is gone");
    assert!(world.reservation(&one, &namespace).await);
    assert!(!owned(member).is_empty());

    member.faults().clear();
    world
        .handle
        .nudge(Nudge::Cluster(one.clone()))
        .await
        .unwrap();
    until_gone(&world, &tombstone).await;
    assert_eq!(owned(member), [""; 0]);
    assert!(!world.reservation(&one, &namespace).await);
    let other = member.object("/api/v1/namespaces/other");
    assert!(other.is_some(), "what is not ours stays");
    let subjects = world.handle.report().await.unwrap().subjects;
    assert!(subjects.iter().all(|run| !run.stuck), "{subjects:?}");
}
