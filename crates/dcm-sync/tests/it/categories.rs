//! What a member refuses, or is, is told apart: each with a reason that names it, and a hint.

use std::sync::Arc;

use dcm_store::StoreExt as _;
use dcm_testkit::kubesim::{CallInfo, Fault, Member, Request, Rule, User, When};
use dcm_testkit::shared_control_planes;
use dcm_types::documents::{ClusterHealth, Target};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ClusterKey, DocumentKind, Key, Track};
use serde_json::json;
use tokio::time::Instant;

use crate::world::{
    PATIENCE, World, condition, kubectl, next, permission, quick, revision, target, try_kubectl,
};

fn says(target: &Target, track: Track, reason: &str) -> bool {
    let mut found = target.conditions.iter();
    found.any(|condition| condition.track == track && condition.reason == reason)
}

fn hint(target: &Target, track: Track) -> &str {
    condition(target, track).hint.as_deref().unwrap_or_default()
}

async fn single() -> (World, Member, ClusterKey) {
    let (world, mut members) = World::simulated(&["one"]);
    let member = members.remove(0);
    let one = world.register("one", &member.kubeconfig().unwrap()).await;
    (world, member, one)
}

#[tokio::test(start_paused = true)]
async fn kind_that_is_not_served_blocks_its_track_until_it_is() {
    let (world, member, one) = single().await;
    let posts = |call: &CallInfo| call.method == "POST" && call.path.ends_with("networkpolicies");
    let unserved = Rule::new(Fault::NotFound, When::Matching(Arc::new(posts)));
    member.faults().add(unserved);
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    world.wish(&revision).await;
    let blocked = world
        .until(&key, "blocked", |target| {
            says(target, Track::Isolation, "MissingKind")
        })
        .await;
    let hint = hint(&blocked, Track::Isolation);
    assert!(hint.contains("does not serve the kind"), "{hint}");
    member.faults().clear();
    world.ready(&key, 1).await;
}

#[tokio::test(start_paused = true)]
async fn quota_of_the_member_itself_that_is_used_up_is_named() {
    let (world, member, one) = single().await;
    let first = revision(&[&one]);
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    let namespace = first.slice.namespace.as_str();
    let quotas = format!("/api/v1/namespaces/{namespace}/resourcequotas");
    let tight = json!({
        "metadata": { "name": "of-the-cluster" },
        "spec": { "hard": { "count/roles.rbac.authorization.k8s.io": "1" } },
    });
    let create = Request::new("POST", &quotas).with_body(&tight);
    assert_eq!(member.request(&User::admin(), &create).status, 201);
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let mut second = next(&first);
    second
        .slice
        .permissions
        .push(permission("more", &["secrets"]));
    world.wish(&second).await;
    let blocked = world
        .until(&key, "blocked", |target| {
            says(target, Track::Access, "QuotaExceeded")
        })
        .await;
    let hint = hint(&blocked, Track::Access);
    assert!(hint.contains("raise it there"), "{hint}");
    let remove = Request::new("DELETE", &format!("{quotas}/of-the-cluster"));
    assert_eq!(member.request(&User::admin(), &remove).status, 200);
    world.ready(&key, 2).await;
}

#[tokio::test(start_paused = true)]
async fn kubernetes_that_is_too_old_is_a_finding_of_its_cluster() {
    let (world, members) = World::simulated_as(quick(), "v1.27.16", &["one"]);
    let one = world
        .register("one", &members[0].kubeconfig().unwrap())
        .await;
    let document = Key::of_cluster(DocumentKind::ClusterHealth, &one);
    world.handle.nudge(Nudge::Cluster(one)).await.unwrap();
    let started = Instant::now();
    let health = loop {
        let found = world.store.read::<ClusterHealth>(&document).await.unwrap();
        if let Some(found) = found {
            break found.document;
        }
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let old = |finding: &&dcm_types::documents::Finding| finding.reason == "ApiTooOld";
    let finding = health.findings.iter().find(old).unwrap();
    assert!(finding.message.contains("v1.27.16"), "{finding:?}");
    assert!(finding.hint.contains("upgrade"), "{finding:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_that_does_not_answer_is_named_and_waited_for() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let first = revision(&[&one]);
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    let namespace = first.slice.namespace.as_str();
    let hook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": namespace },
        "webhooks": [{
            "name": "gone.example.com", "failurePolicy": "Fail", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
            "clientConfig": { "url": "https://127.0.0.1:1/" },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "rules": [{ "apiGroups": ["rbac.authorization.k8s.io"], "apiVersions": ["v1"],
                        "operations": ["CREATE"], "resources": ["roles"] }],
        }],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), hook.to_string()).unwrap();
    kubectl(plane, &["create", "-f", file.path().to_str().unwrap()]);
    // It counts from a moment on; until then a role can be made.
    let started = Instant::now();
    let probe = ["create", "role", "probe", "--verb=get", "--resource=pods"];
    let probe = [&probe[..], &["-n", namespace, "--dry-run=server"]].concat();
    while try_kubectl(plane, &probe).0 {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let mut second = next(&first);
    second
        .slice
        .permissions
        .push(permission("more", &["secrets"]));
    world.wish(&second).await;
    let blocked = world
        .until(&key, "blocked", |target| {
            says(target, Track::Access, "WebhookDown")
        })
        .await;
    let hint = hint(&blocked, Track::Access);
    assert!(hint.contains("admission webhook"), "{hint}");
    let kind = "validatingwebhookconfiguration";
    kubectl(plane, &["delete", kind, namespace]);
    world.ready(&key, 2).await;
}

#[tokio::test(start_paused = true)]
async fn why_a_member_is_waited_for_is_told_anew_when_it_is_something_else() {
    let (world, member, one) = single().await;
    let revision = revision(&[&one]);
    let key = target(&revision, &one);
    let is = |category: &'static str| {
        move |target: &Target| {
            let last = target.last_error.as_ref();
            last.is_some_and(|last| last.category == category)
        }
    };
    let always = |fault: Fault| {
        member.faults().clear();
        member.faults().add(Rule::new(fault, When::Always));
    };
    always(Fault::ConnectRefused);
    world.wish(&revision).await;
    world.until(&key, "out of reach", is("unreachable")).await;
    // Nobody asks for anything meanwhile but the probes.
    always(Fault::Unauthorized);
    world.until(&key, "refused", is("unauthorized")).await;
    always(Fault::ConnectHang);
    world.until(&key, "silent", is("timeout")).await;
    member.faults().clear();
    world.ready(&key, 1).await;
}
