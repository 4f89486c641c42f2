//! What is used of the quotas is seen by the watch, and recorded not too often.

use std::time::{Duration, Instant};

use dcm_store::StoreExt as _;
use dcm_sync::{Config, Time};
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{QuotaState, QuotaUsage};
use dcm_types::{Key, TargetKey};

use crate::world::{PATIENCE, World, kubectl, next, quick, revision, target, terminated};

impl World {
    async fn usage(&self, key: &TargetKey) -> Option<QuotaUsage> {
        let key = Key::quota_usage(key);
        let found = self.store.read::<QuotaUsage>(&key).await.unwrap();
        found.map(|found| found.document)
    }

    async fn until_usage(&self, key: &TargetKey, holds: impl Fn(&[QuotaState]) -> bool) {
        let started = Instant::now();
        loop {
            let usage = self.usage(key).await;
            if usage.as_ref().is_some_and(|usage| holds(&usage.quotas)) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{usage:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// How many `ConfigMaps` count as used, with three allowed.
fn used(quotas: &[QuotaState]) -> Option<u32> {
    let [quota] = quotas else { return None };
    assert_eq!(quota.name, "limits");
    let hard = quota.hard.get("configmaps")?;
    assert_eq!(hard, "3");
    quota.used.get("configmaps")?.parse().ok()
}

/// How many the member itself says now.
fn told_by_member(plane: &ControlPlane, namespace: &str) -> u32 {
    let used = "jsonpath={.status.used.configmaps}";
    let told = kubectl(
        plane,
        &[
            "get",
            "resourcequota",
            "limits",
            "-n",
            namespace,
            "-o",
            used,
        ],
    );
    told.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_follows_what_the_tenant_does_and_goes_with_the_slice() {
    let plane = &shared_control_planes(2)[0];
    let mut world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    let namespace = revision.slice.namespace.as_str();
    // The cluster puts a ConfigMap of its own into every namespace, and may miss it in its first count.
    world
        .until_usage(&key, |quotas| used(quotas).is_some())
        .await;
    kubectl(plane, &["create", "configmap", "mine", "-n", namespace]);
    let told = || told_by_member(plane, namespace);
    world
        .until_usage(&key, |quotas| {
            used(quotas).is_some_and(|used| used > 0 && used == told())
        })
        .await;

    world.restart().await;
    let before = told();
    kubectl(plane, &["create", "configmap", "another", "-n", namespace]);
    world
        .until_usage(&key, |quotas| {
            used(quotas).is_some_and(|used| used > before && used == told())
        })
        .await;

    let mut without = next(&revision);
    without.slice.quotas.clear();
    world.wish(&without).await;
    world.ready(&key, 2).await;
    world.until_usage(&key, <[QuotaState]>::is_empty).await;

    world.wish(&terminated(&without)).await;
    world.absent(&key).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.usage(&key).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_namespace_is_recorded_once_per_interval() {
    let plane = &shared_control_planes(2)[0];
    let world = World::with(Config {
        usage_interval: Time::hours(1),
        ..quick()
    });
    let one = world.register("one", plane.kubeconfig()).await;
    let revision = revision(&[&one]);
    world.wish(&revision).await;
    let key = target(&revision, &one);
    world.ready(&key, 1).await;
    world.until_usage(&key, |quotas| !quotas.is_empty()).await;
    let first = world.usage(&key).await;
    let namespace = revision.slice.namespace.as_str();
    for _ in 0..3 {
        kubectl(plane, &["create", "configmap", "mine", "-n", namespace]);
        kubectl(plane, &["delete", "configmap", "mine", "-n", namespace]);
    }
    kubectl(plane, &["create", "configmap", "mine", "-n", namespace]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.usage(&key).await, first);
}
