//! The drift policy and the loop breaker on simulated members, in virtual time.

use std::time::Duration;

use dcm_testkit::kubesim::{Member, Request, Response, User};
use dcm_types::documents::{Drift, DriftPolicy, ObjectStatus, Revision, Target};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ClusterKey, ConditionStatus, TargetKey, Track};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{World, condition, next, revision, target};

/// A cloud with a policy, ready in one member.
async fn ready(drift: DriftPolicy) -> (World, Member, Revision, TargetKey) {
    let (world, mut members) = World::simulated(&["one"]);
    let member = members.remove(0);
    let one: ClusterKey = world.register("one", &member.kubeconfig().unwrap()).await;
    let mut first = revision(&[&one]);
    first.slice.drift = drift;
    let key = target(&first, &one);
    world.wish(&first).await;
    world.ready(&key, 1).await;
    (world, member, first, key)
}

fn path_of(revision: &Revision, plural: &str) -> String {
    let namespace = &revision.slice.namespace;
    format!("/api/v1/namespaces/{namespace}/{plural}")
}

/// Somebody else sets the limit of the quota.
fn meddle(member: &Member, revision: &Revision, limit: &str) {
    let path = path_of(revision, "resourcequotas/limits?fieldManager=meddler");
    let body = json!({ "spec": { "hard": { "configmaps": limit } } });
    let request = Request::new("PATCH", &path).with_body(&body);
    let request = request.with_media_type("application/merge-patch+json");
    let response: Response = member.request(&User::admin(), &request);
    assert_eq!(response.status, 200, "{:?}", response.body);
}

fn limit(member: &Member, revision: &Revision) -> Value {
    let quota = member.object(&path_of(revision, "resourcequotas/limits"));
    quota.map_or(Value::Null, |quota| {
        quota["spec"]["hard"]["configmaps"].clone()
    })
}

fn drifted<'a>(target: &'a Target, kind: &str) -> Option<(&'a ObjectStatus, &'a Drift)> {
    let mut objects = target
        .objects
        .iter()
        .filter(|status| status.object.kind == kind);
    objects.find_map(|status| Some((status, status.drift.as_ref()?)))
}

async fn nudge(world: &World, revision: &Revision) {
    let nudge = Nudge::Cloud(revision.cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reported_drift_names_field_and_manager_and_stays_until_the_next_generation() {
    let (world, member, first, key) = ready(DriftPolicy::Report).await;
    meddle(&member, &first, "100");
    let told = world
        .until(&key, "told", |target| {
            drifted(target, "ResourceQuota").is_some()
        })
        .await;
    let (status, drift) = drifted(&told, "ResourceQuota").unwrap();
    assert_eq!(status.reason, "Drifted");
    let [field] = drift.fields.as_slice() else {
        panic!("{drift:?}");
    };
    assert_eq!(field.field, "spec.hard.configmaps");
    assert_eq!(field.managers, ["meddler"]);
    let quota = condition(&told, Track::Quota);
    assert_eq!(quota.status, ConditionStatus::Blocked);
    assert!(
        quota.message.contains("by meddler: spec.hard.configmaps"),
        "{quota:?}"
    );
    assert!(
        quota
            .hint
            .as_ref()
            .is_some_and(|hint| hint.contains("update"))
    );

    // What is deleted is told, too, and since when stays as it was.
    let namespace = &first.slice.namespace;
    let path =
        format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/dcm-ingress");
    let gone = member.request(&User::admin(), &Request::new("DELETE", &path));
    assert_eq!(gone.status, 200);
    let told = world
        .until(&key, "told", |target| {
            drifted(target, "NetworkPolicy").is_some()
        })
        .await;
    assert_eq!(drifted(&told, "ResourceQuota").unwrap().1, drift);
    tokio::time::sleep(Duration::from_mins(2)).await;
    nudge(&world, &first).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(limit(&member, &first), "100");
    assert!(member.object(&path).is_none());
    let target = world.target(&key).await.unwrap();
    assert_eq!(drifted(&target, "ResourceQuota").unwrap().1, drift);

    let second = next(&first);
    world.wish(&second).await;
    let applied = world.ready(&key, 2).await;
    assert_eq!(limit(&member, &first), "3");
    assert!(member.object(&path).is_some());
    assert!(applied.objects.iter().all(|status| status.drift.is_none()));
}

#[tokio::test(start_paused = true)]
async fn drift_is_not_looked_at_and_goes_with_the_next_generation() {
    let (world, member, first, key) = ready(DriftPolicy::Off).await;
    world.quiet(Duration::from_millis(500)).await;
    let applied = world.target(&key).await.unwrap();
    meddle(&member, &first, "100");
    nudge(&world, &first).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let target = world.target(&key).await.unwrap();
    assert_eq!(target.checked_at, applied.checked_at, "nobody looked");
    assert_eq!(limit(&member, &first), "100");

    // Credentials are renewed all the same.
    let issued = world.access(&key, "alice").await.unwrap().current.unwrap();
    world.clock.advance(Duration::from_hours(3 * 24));
    nudge(&world, &first).await;
    let started = Instant::now();
    loop {
        let current = world.access(&key, "alice").await.unwrap().current.unwrap();
        if current.epoch > issued.epoch {
            break;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "not renewed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(limit(&member, &first), "100");

    let second = next(&first);
    world.wish(&second).await;
    world.ready(&key, 2).await;
    assert_eq!(limit(&member, &first), "3");
}

#[tokio::test(start_paused = true)]
async fn a_fight_slows_down_names_the_other_and_ends_by_itself() {
    let (world, member, first, key) = ready(DriftPolicy::Correct).await;
    // A manager that changes it back as soon as it sees our correction, for some minutes.
    let started = Instant::now();
    let mut corrections = 0;
    let mut told = None;
    meddle(&member, &first, "100");
    while started.elapsed() < Duration::from_mins(5) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if limit(&member, &first) == "3" {
            corrections += 1;
            meddle(&member, &first, "100");
        }
        let target = world.target(&key).await.unwrap();
        let quota = condition(&target, Track::Quota);
        if quota.reason == "Contested" {
            told = Some(quota.clone());
        }
    }
    assert!(
        (6..=12).contains(&corrections),
        "corrected {corrections} times in an hour"
    );
    let told = told.expect("the status names the fight");
    assert_eq!(told.status, ConditionStatus::Blocked);
    assert!(told.message.contains("ResourceQuota limits"), "{told:?}");
    assert!(
        told.message.contains("by meddler: spec.hard.configmaps"),
        "{told:?}"
    );
    assert!(told.hint.is_some());

    // The other one gives up: it is corrected once more, and stays.
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.ready(&key, 1).await;
    assert_eq!(limit(&member, &first), "3");
}

/// Somebody makes a copy of one of our objects, labels and all, under another name.
fn copy(member: &Member, collection: &str, of: &Value) {
    let mut body = of.clone();
    body["metadata"] = json!({ "name": "twin", "labels": of["metadata"]["labels"] });
    let path = format!("{collection}?fieldManager=meddler");
    let request = Request::new("POST", &path).with_body(&body);
    let response: Response = member.request(&User::admin(), &request);
    assert_eq!(response.status, 201, "{:?}", response.body);
}

/// Makes a copy anew each time that it is deleted, looking once a second; says how often it was deleted.
async fn made_anew(
    world: &World,
    key: &TargetKey,
    (member, collection): (&Member, &str),
) -> (u32, Option<Target>) {
    let listed = member.request(&User::admin(), &Request::new("GET", collection));
    let original = listed.body["items"][0].clone();
    let twin = format!("{collection}/twin");
    let (started, mut deleted, mut told) = (Instant::now(), 0, None);
    copy(member, collection, &original);
    while started.elapsed() < Duration::from_mins(5) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if member.object(&twin).is_none() {
            deleted += 1;
            copy(member, collection, &original);
        }
        let target = world.target(key).await.unwrap();
        let contested = |status: &ObjectStatus| status.reason == "Contested";
        if target.objects.iter().any(contested) {
            told = Some(target);
        }
    }
    (deleted, told)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_wished_and_is_made_anew_each_time_is_deleted_less_and_less() {
    let (world, member, first, key) = ready(DriftPolicy::Correct).await;
    let quotas = path_of(&first, "resourcequotas");
    let (deleted, told) = made_anew(&world, &key, (&member, &quotas)).await;
    assert!((6..=12).contains(&deleted), "deleted {deleted} times");
    let told = told.expect("the status names the fight");
    let quota = condition(&told, Track::Quota);
    assert_eq!(quota.status, ConditionStatus::Blocked);
    assert!(
        quota.message.contains("ResourceQuota twin") && quota.message.contains("by meddler"),
        "{quota:?}"
    );

    // The other one gives up.
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.ready(&key, 1).await;
    assert!(member.object(&format!("{quotas}/twin")).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_binding_that_is_not_wished_is_deleted_at_once_however_often_it_is_made() {
    let (world, member, first, key) = ready(DriftPolicy::Correct).await;
    let namespace = &first.slice.namespace;
    let bindings =
        format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    let (deleted, told) = made_anew(&world, &key, (&member, &bindings)).await;
    assert!(deleted > 100, "deleted {deleted} times");
    assert!(told.is_none());
}
