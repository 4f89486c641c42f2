//! How often a member is read when nothing happens, in virtual time: once per kind, whatever the number of clouds.

use std::sync::Arc;
use std::time::Duration;

use dcm_cluster::{Call, Resource};
use dcm_testkit::kubesim::{CallInfo, Fault, Load, Member, Request, Rule, User, When};
use dcm_types::{ClusterKey, TargetKey};

use crate::world::{World, revision, target};

const CLOUDS: usize = 3;
const HOUR: Duration = Duration::from_hours(1);

/// A member with several clouds, all of them ready and at rest.
async fn settled() -> (World, Member, Vec<TargetKey>) {
    let (world, mut members) = World::simulated_as_delivered(&["one"]);
    let member = members.remove(0);
    let one: ClusterKey = world.register("one", &member.kubeconfig().unwrap()).await;
    let mut keys = Vec::new();
    for _ in 0..CLOUDS {
        let revision = revision(&[&one]);
        world.wish(&revision).await;
        keys.push(target(&revision, &one));
    }
    for key in &keys {
        world.ready(key, 1).await;
    }
    // The cluster collects requests that were answered an hour ago; then it is still.
    tokio::time::sleep(Duration::from_mins(75)).await;
    world.ledger.clear();
    (world, member, keys)
}

/// Lists of a kind in the whole cluster, and in any namespace.
fn lists(world: &World, wanted: Resource) -> (usize, usize) {
    let calls = world.ledger.calls();
    let listed = |whole: bool| {
        let of = |call: &&Call| {
            matches!(call, Call::List { resource, namespace, .. }
                if *resource == wanted && namespace.is_none() == whole)
        };
        calls.iter().filter(of).count()
    };
    (listed(true), listed(false))
}

#[tokio::test(start_paused = true)]
async fn with_a_watch_that_works_each_kind_is_listed_every_ten_minutes_for_all_clouds() {
    let (world, _member, _) = settled().await;
    tokio::time::sleep(HOUR).await;
    for resource in Resource::STANDARD {
        let (whole, apart) = lists(&world, resource);
        assert!((5..=7).contains(&whole), "{resource:?}: {whole} lists");
        assert_eq!(apart, 0, "{resource:?}: nothing is read per cloud");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_watch_each_kind_is_listed_every_minute_and_finds_what_was_removed() {
    let (world, member, keys) = settled().await;
    let watches = |call: &CallInfo| call.watch;
    let broken = Rule::new(Fault::ServerError, When::Matching(Arc::new(watches)));
    member.faults().add(broken);
    // The watches that are open end by themselves within their time.
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.ledger.clear();
    tokio::time::sleep(HOUR).await;
    for resource in Resource::STANDARD {
        let (whole, apart) = lists(&world, resource);
        assert!((58..=70).contains(&whole), "{resource:?}: {whole} lists");
        assert_eq!(apart, 0, "{resource:?}: nothing is read per cloud");
    }
    let namespace = world.target(&keys[1]).await.unwrap().namespace;
    let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/limits");
    let remove = Request::new("DELETE", &path);
    assert_eq!(member.request(&User::admin(), &remove).status, 200);
    assert_eq!(member.object(&path), None);
    tokio::time::sleep(Duration::from_secs(75)).await;
    assert!(member.object(&path).is_some(), "it was made again");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_not_followed_by_another_one_for_what_it_did_itself() {
    let (world, member, keys) = settled().await;
    let one = keys[0].cluster.clone();
    // Events are here long before the answers of the calls that caused them, and runs take long.
    member.set_load(Load {
        latency: Duration::from_millis(100),
        capacity: None,
    });
    for round in 0..2 {
        let revision = revision(&[&one]);
        world.ledger.clear();
        world.wish(&revision).await;
        world.ready(&target(&revision, &one), 1).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        // A first run has nothing to read.
        let (_, apart) = lists(&world, Resource::ResourceQuota);
        assert_eq!(apart, 0, "round {round}");
    }
}
