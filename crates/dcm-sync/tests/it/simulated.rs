//! The golden path on simulated members, in virtual time: the synchronizer is the real one, and hours cost nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dcm_cluster::meddling::Verdict;
use dcm_cluster::{Call, Resource};
use dcm_testkit::kubesim::{Fault, Member, Request, Response, Rule, User, When};
use dcm_types::TargetKey;
use dcm_types::documents::Access;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{PATIENCE, World, next, permission, quota, revision, target, terminated};

/// Names of everything that carries an owner label of ours.
pub(crate) fn ours(member: &Member) -> Vec<String> {
    const LISTS: [&str; 8] = [
        "/api/v1/namespaces",
        "/api/v1/configmaps",
        "/api/v1/resourcequotas",
        "/api/v1/limitranges",
        "/apis/networking.k8s.io/v1/networkpolicies",
        "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    ];
    let list = |path: &str| {
        let list = member
            .object(&format!("{path}?labelSelector=dcm.internal%2Fcloud"))
            .unwrap();
        let items = list["items"].as_array().cloned().unwrap();
        let plural = path.rsplit('/').next().unwrap().to_owned();
        items
            .into_iter()
            .map(move |item| format!("{plural}/{}", item["metadata"]["name"].as_str().unwrap()))
    };
    LISTS.into_iter().flat_map(list).collect()
}

fn tenant(world: &World, member: &Member, access: &Access) -> User {
    let kubeconfig = world.kubeconfig(access);
    let parsed = dcm_pki::kubeconfig::parse(kubeconfig.as_bytes()).unwrap();
    let dcm_pki::kubeconfig::Authentication::ClientCertificate {
        certificate_pem, ..
    } = parsed.authentication
    else {
        panic!("a tenant has a certificate");
    };
    member.user(&certificate_pem).expect("it opens the member")
}

fn create(member: &Member, user: &User, namespace: &str, name: &str) -> Response {
    let object = json!({ "metadata": { "name": name } });
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    member.request(user, &Request::new("POST", &path).with_body(&object))
}

fn quotas(member: &Member, namespace: &str) -> Vec<Value> {
    let list = member
        .object(&format!("/api/v1/namespaces/{namespace}/resourcequotas"))
        .unwrap();
    list["items"].as_array().unwrap().clone()
}

/// Waits until nothing is known of a member that left.
async fn left(world: &World, key: &TargetKey) {
    let started = Instant::now();
    while world.target(key).await.is_some() {
        assert!(started.elapsed() < PATIENCE, "{key} is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn slice_is_made_changed_and_ended_in_virtual_time() {
    let (world, members) = World::simulated(&["one", "two", "three"]);
    let mut clusters = Vec::new();
    for member in &members {
        clusters.push(
            world
                .register(member.name(), &member.kubeconfig().unwrap())
                .await,
        );
    }
    let mut first = revision(&[&clusters[0], &clusters[1]]);
    first
        .slice
        .permissions
        .push(permission("more", &["secrets"]));
    let namespace = first.slice.namespace.to_string();
    world.wish(&first).await;
    for (member, cluster) in members.iter().zip(&clusters).take(2) {
        let key = target(&first, cluster);
        world.ready(&key, 1).await;
        let user = tenant(&world, member, &world.access(&key, "alice").await.unwrap());
        let made = (0..5).take_while(|number| {
            create(member, &user, &namespace, &format!("c{number}")).status == 201
        });
        assert_eq!(made.count(), 2, "kube-root-ca.crt is one of three");
        let refused = create(member, &user, &namespace, "more");
        assert!(
            refused.body["message"]
                .as_str()
                .unwrap()
                .contains("exceeded quota"),
            "{refused:?}"
        );
        assert_eq!(create(member, &user, "default", "x").status, 403);
    }
    assert_eq!(ours(&members[2]), [""; 0], "the third is not in it");

    // The second leaves, the third comes, a permission goes, the quota grows.
    let mut second = next(&first);
    second.members = revision(&[&clusters[0], &clusters[2]]).members;
    second.slice.permissions.pop();
    second.slice.quotas[0] = quota("limits", &[("configmaps", "5")]);
    world.wish(&second).await;
    world.ready(&target(&second, &clusters[0]), 2).await;
    world.ready(&target(&second, &clusters[2]), 2).await;
    left(&world, &target(&second, &clusters[1])).await;
    assert_eq!(ours(&members[1]), [""; 0]);
    assert_eq!(
        quotas(&members[0], &namespace)[0]["status"]["hard"]["configmaps"],
        "5"
    );
    let bindings = ours(&members[2])
        .into_iter()
        .filter(|name| name.starts_with("rolebindings/"));
    assert_eq!(bindings.count(), 1);

    world.quiet(Duration::from_millis(500)).await;
    world.wish(&terminated(&second)).await;
    for cluster in [&clusters[0], &clusters[2]] {
        world.absent(&target(&second, cluster)).await;
    }
    for member in &members {
        assert_eq!(ours(member), [""; 0], "{}", member.name());
        assert!(
            member.object("/api/v1/namespaces/default").is_some(),
            "what is not ours stays"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_fault_is_outlived() {
    for fault in Fault::ALL {
        let (world, members) = World::simulated(&["one"]);
        let member = &members[0];
        let cluster = world.register("one", &member.kubeconfig().unwrap()).await;
        for call in (3..40).step_by(7) {
            member.faults().add(Rule::new(fault, When::Call(call)));
        }
        let revision = revision(&[&cluster]);
        world.wish(&revision).await;
        world.ready(&target(&revision, &cluster), 1).await;
        assert!(member.faults().struck() > 0, "{fault:?} took place");
        member.faults().clear();
        world.wish(&terminated(&revision)).await;
        world.absent(&target(&revision, &cluster)).await;
        assert_eq!(ours(member), [""; 0], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn end_of_a_namespace_is_seen_when_it_happens() {
    let (world, mut members) = World::simulated_as_delivered(&["one"]);
    let member = members.remove(0);
    member.controllers(|controllers| controllers.namespace_end = Duration::from_secs(1));
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    world.ready(&target(&revision, &one), 1).await;
    let began = Instant::now();
    world.wish(&terminated(&revision)).await;
    while !ours(&member).is_empty() {
        // Without the watch, it would be looked at after five seconds.
        assert!(began.elapsed() < Duration::from_secs(3), "not yet");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn end_of_a_namespace_is_seen_while_it_is_read() {
    let (world, mut members) = World::simulated_as_delivered(&["one"]);
    let member = members.remove(0);
    member.controllers(|controllers| controllers.namespace_end = Duration::from_secs(1));
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    // The namespace is read while it is still there, and the answer comes after the event that it is gone.
    world.ledger.clear();
    let late = |number: usize, call: &Call| match call {
        Call::Get(place) if number > 0 && place.resource == Resource::Namespace => {
            Verdict::AnswerLate(Duration::from_millis(1500))
        }
        _ => Verdict::Pass,
    };
    world.ledger.judge(Some(Arc::new(late)));
    let began = Instant::now();
    world.wish(&terminated(&revision)).await;
    world
        .until(&key, "empty", |target| target.emptied_at.is_some())
        .await;
    // Two late answers and a second: without the event, it would be looked at five seconds later.
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// Objects as they can be made again: without what the member itself sets.
fn kept(member: &Member, path: &str) -> Value {
    let mut object = member.object(path).unwrap();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata
        .retain(|key, _| ["name", "namespace", "labels", "annotations"].contains(&key.as_str()));
    object
}

#[tokio::test(start_paused = true)]
async fn quota_is_not_taken_from_a_namespace_that_was_made_while_it_was_looked_for() {
    let (world, mut members) = World::simulated(&["one"]);
    let member = members.remove(0);
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let namespace = revision.slice.namespace.to_string();
    let quotas = format!("/api/v1/namespaces/{namespace}/resourcequotas");
    let bindings =
        format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    let listed = member.object(&bindings).unwrap();
    let binding = listed["items"][0]["metadata"]["name"].as_str().unwrap();
    let namespaces = "/api/v1/namespaces".to_owned();
    let made = [
        (
            kept(&member, &format!("{namespaces}/{namespace}")),
            namespaces,
        ),
        (kept(&member, &format!("{quotas}/limits")), quotas),
        (kept(&member, &format!("{bindings}/{binding}")), bindings),
    ];
    // The second look has read that there is no namespace and no binding. Then a run of an older wish makes them.
    let planted = Arc::new(AtomicBool::new(false));
    let judge = {
        let (member, planted) = (member.clone(), Arc::clone(&planted));
        move |_: usize, call: &Call| {
            let lists_quotas = matches!(
                call,
                Call::List {
                    resource: Resource::ResourceQuota,
                    namespace: Some(_),
                    ..
                }
            );
            if lists_quotas && !planted.swap(true, Ordering::AcqRel) {
                for (object, path) in &made {
                    let request = Request::new("POST", path).with_body(object);
                    assert_eq!(member.request(&User::admin(), &request).status, 201);
                }
            }
            Verdict::Pass
        }
    };
    world.wish(&terminated(&revision)).await;
    world
        .until(&key, "empty", |target| target.emptied_at.is_some())
        .await;
    world.ledger.clear();
    world.ledger.judge(Some(Arc::new(judge)));
    world.absent(&key).await;
    assert!(planted.load(Ordering::Acquire));
    let deleted = world.ledger.mutations();
    assert!(deleted[0].starts_with("delete RoleBinding"), "{deleted:?}");
    assert!(
        !deleted
            .iter()
            .any(|name| name.starts_with("delete ResourceQuota")),
        "{deleted:?}"
    );
    assert_eq!(ours(&member), [""; 0]);
}
