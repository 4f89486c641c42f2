//! Each of the first calls of a phase may fail, before or after it took effect, or happen twice: it ends
//! right.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dcm_cluster::meddling::Verdict;
use dcm_cluster::{Call, CallErrorKind};
use dcm_testkit::shared_control_planes;
use dcm_types::documents::CredentialKind;

use crate::world::{
    World, kubectl, kubectl_as, next, outside, owned, quota, revision, target, terminated,
};

/// Whether a call is made for a slice, and not by the check of a cluster, a watch or a new session.
fn is_about_slices(call: &Call) -> bool {
    match call {
        Call::Review(_) | Call::Version => false,
        Call::Get(place) | Call::Delete(place, _) => {
            place.name != "kube-system" && !place.name.contains("probe")
        }
        Call::List { selector, .. } => selector.contains('='),
        Call::Create(object) | Call::Approve(object) => !object.name().contains("probe"),
        Call::ClaimFields(_) | Call::Apply(_) | Call::RequestToken(_) => true,
    }
}

/// Runs a whole life with one verdict on each k-th call of each phase, for several k at once: the
/// phases of different lives overlap, so that the namespace controller's delay is paid once. It is the life
/// of a privileged cloud, which has the calls of an ordinary one and more.
async fn life(verdict: Verdict, index: usize) {
    let plane = &shared_control_planes(2)[index % 2];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    // The session is opened by another slice, so that the counted calls are those of this one.
    let strike = || {
        let counted = AtomicUsize::new(0);
        let judge = move |_: usize, call: &Call| {
            let strikes = is_about_slices(call) && counted.fetch_add(1, Ordering::SeqCst) == index;
            if strikes { verdict } else { Verdict::Pass }
        };
        world.ledger.judge(Some(Arc::new(judge)));
    };
    let mut revision = revision(&[&one]);
    let other = format!("{}-other", revision.slice.namespace);
    kubectl(plane, &["create", "namespace", &other]);
    let permissions = &mut revision.slice.permissions;
    permissions.push(outside("nodes", &["nodes"], None));
    permissions.push(outside("other", &["configmaps"], Some(&other)));
    if index % 4 == 3 {
        revision.slice.users[0].credential = CredentialKind::ServiceAccount;
    }
    let key = target(&revision, &one);
    strike();
    world.wish(&revision).await;
    world.ready(&key, 1).await;
    revision = next(&revision);
    revision.slice.quotas = vec![quota("limits", &[("configmaps", "5")])];
    revision.slice.permissions[0].rules[0].verbs.truncate(2);
    strike();
    world.wish(&revision).await;
    world.ready(&key, 2).await;
    let access = world.access(&key, "alice").await.unwrap();
    assert!(access.pending.is_none(), "one current certificate");
    let tenant = world.kubeconfig(&access);
    assert!(kubectl_as(plane, &tenant, &["get", "configmaps"]).0);
    assert!(kubectl_as(plane, &tenant, &["get", "nodes"]).0);
    strike();
    world.wish(&terminated(&revision)).await;
    world.absent(&key).await;
    assert_eq!(owned(plane, revision.cloud_uid), Vec::<String>::new());
}

async fn lives(verdict: Verdict) {
    // The first twenty calls of each phase. Later ones, of second looks and repeated runs, are not
    // struck; an index past the end of a phase strikes nothing in it.
    let lives = (0..20).map(|index| tokio::spawn(life(verdict, index)));
    for (index, life) in futures::future::join_all(lives)
        .await
        .into_iter()
        .enumerate()
    {
        life.unwrap_or_else(|error| panic!("call {index} {verdict:?}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_never_arrives_is_survived() {
    lives(Verdict::FailBefore(CallErrorKind::Unreachable)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_whose_answer_is_lost_is_survived() {
    lives(Verdict::FailAfter(CallErrorKind::Timeout)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_happens_twice_is_survived() {
    lives(Verdict::Repeat).await;
}
