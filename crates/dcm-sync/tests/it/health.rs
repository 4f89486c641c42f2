//! The background check of registered clusters.

use std::time::{Duration, Instant};

use dcm_store::StoreExt as _;
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{ClusterHealth, HealthState, SignerState};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ClusterKey, DocumentKind, Key};

use crate::world::{PATIENCE, World, kubectl, revision, target};

async fn health(
    world: &World,
    key: &ClusterKey,
    holds: impl Fn(&ClusterHealth) -> bool,
) -> ClusterHealth {
    world
        .handle
        .nudge(Nudge::Cluster(key.clone()))
        .await
        .unwrap();
    let document = Key::of_cluster(DocumentKind::ClusterHealth, key);
    let started = Instant::now();
    loop {
        let found = world.store.read::<ClusterHealth>(&document).await.unwrap();
        if let Some(found) = &found
            && holds(&found.document)
        {
            return found.document.clone();
        }
        assert!(started.elapsed() < PATIENCE, "{key}: {found:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_cluster_shows_who_it_is_and_who_we_are() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    let found = health(&world, &one, |_| true).await;
    assert_eq!(found.state, HealthState::Healthy, "{found:#?}");
    assert!(found.version.unwrap().starts_with("v1."));
    let namespace = crate::world::object(plane, &["namespace", "kube-system"]).unwrap();
    assert_eq!(
        found.identity.as_deref(),
        namespace["metadata"]["uid"].as_str()
    );
    assert!(found.groups.iter().any(|group| group == "system:masters"));
    assert_eq!(found.signer, SignerState::Works);
    assert!(found.missing_rights.is_empty());
    for call in world.ledger.calls() {
        if let dcm_cluster::Call::Create(request) = call {
            assert!(request.name().starts_with("dcm-probe-"));
            let left = crate::world::object(plane, &["csr", request.name()]);
            assert_eq!(left, None, "the test request is gone");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn same_cluster_under_a_second_name_is_refused() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", plane.kubeconfig()).await;
    health(&world, &one, |health| health.state == HealthState::Healthy).await;
    let again = world.register("again", plane.kubeconfig()).await;
    let refused = health(&world, &again, |_| true).await;
    assert_eq!(refused.state, HealthState::Refused);
    assert_eq!(refused.findings[0].reason, "DuplicateCluster");
    world.ledger.clear();
    let revision = revision(&[&again]);
    world.wish(&revision).await;
    let key = target(&revision, &again);
    let blocked = world
        .until(&key, "blocked", |target| target.last_error.is_some())
        .await;
    assert_eq!(blocked.last_error.unwrap().category, "duplicate-cluster");
    let about_slice: Vec<_> = world
        .ledger
        .mutations()
        .into_iter()
        .filter(|name| !name.contains("Certificate"))
        .collect();
    assert!(
        about_slice.is_empty(),
        "nothing is written to a refused cluster: {about_slice:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_credential_is_told_with_what_it_lacks() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    kubectl(
        plane,
        &[
            "create",
            "clusterrolebinding",
            "viewer-it",
            "--clusterrole=view",
            "--user=viewer",
            "--dry-run=client",
            "-o",
            "name",
        ],
    );
    let weak = plane.kubeconfig_for("viewer", Some("viewers")).unwrap();
    let bind = [
        "create",
        "clusterrolebinding",
        "viewers-it",
        "--clusterrole=view",
        "--group=viewers",
    ];
    crate::world::try_kubectl(plane, &bind);
    let key = world.register("weak", &weak).await;
    let found = health(&world, &key, |health| health.state == HealthState::Degraded).await;
    assert_eq!(found.user_name.as_deref(), Some("viewer"));
    assert!(
        found
            .missing_rights
            .iter()
            .any(|right| right == "create namespaces"),
        "{found:#?}"
    );
    assert!(
        found
            .findings
            .iter()
            .any(|finding| finding.reason == "MissingRights")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_and_replaced_clusters_say_so() {
    let planes = ControlPlane::start_many(2).unwrap();
    let world = World::new();
    let one = world.register("one", planes[0].kubeconfig()).await;
    health(&world, &one, |health| health.state == HealthState::Healthy).await;
    planes[0].stop();
    let gone = health(&world, &one, |health| {
        health.state == HealthState::Unreachable
    })
    .await;
    assert_eq!(gone.findings[0].reason, "Unreachable");
    // Another cluster under the name and the registration of the first: only the credential changed.
    let document = Key::cluster(&one);
    let mut cluster = world
        .store
        .read::<dcm_types::documents::Cluster>(&document)
        .await
        .unwrap()
        .unwrap()
        .document;
    let uid = cluster.uid;
    world.register("one", planes[1].kubeconfig()).await;
    let replaced = world
        .store
        .read::<dcm_types::documents::Cluster>(&document)
        .await
        .unwrap()
        .unwrap()
        .document;
    cluster.server.clone_from(&replaced.server);
    let credential = dcm_pki::kubeconfig::parse(planes[1].kubeconfig().as_bytes()).unwrap();
    let place = dcm_store::vault::Place {
        key: &document,
        uid,
        field: "credential",
        epoch: 2,
    };
    let json = credential.to_json();
    cluster.credential = world
        .vault
        .seal(
            dcm_types::sealed::Purpose::ClusterCredential,
            &place,
            secrecy::ExposeSecret::expose_secret(&json).as_bytes(),
        )
        .unwrap();
    cluster.credential_epoch = 2;
    world.put(&cluster, dcm_store::Expect::Anything).await;
    let refused = health(&world, &one, |health| health.state == HealthState::Refused).await;
    assert_eq!(refused.findings[0].reason, "IdentityChanged");
}
