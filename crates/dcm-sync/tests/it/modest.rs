//! A credential without rights to cluster roles serves every cloud that needs none.

use std::time::{Duration, Instant};

use dcm_store::StoreExt as _;
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::documents::{ClusterHealth, HealthState};
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{DocumentKind, Key, Track};

use crate::privileged::{eventually, only_access, reaching, stranger};
use crate::world::{
    PATIENCE, World, condition, kubectl, owned, revision, target, terminated, try_kubectl,
};

/// An administrator who may do what every logical cloud needs, and nothing with cluster roles.
fn modest(plane: &ControlPlane) -> String {
    let grant = |group: &str, resources: &[&str], verbs: &[&str]| serde_json::json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let all = ["get", "list", "watch", "create", "patch", "delete"];
    let rbac = "rbac.authorization.k8s.io";
    let certificates = "certificates.k8s.io";
    let role = serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": "modest-it" },
        "rules": [
            grant("", &["namespaces", "configmaps", "resourcequotas", "limitranges"], &all),
            grant("", &["serviceaccounts"], &all),
            grant("", &["serviceaccounts/token"], &["create"]),
            grant("networking.k8s.io", &["networkpolicies"], &all),
            grant(rbac, &["roles", "rolebindings"], &all),
            grant(rbac, &["roles"], &["escalate", "bind"]),
            grant(certificates, &["certificatesigningrequests"], &all),
            grant(certificates, &["certificatesigningrequests/approval"], &["update"]),
            grant(certificates, &["signers"], &["approve"]),
        ],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), role.to_string()).unwrap();
    kubectl(plane, &["apply", "-f", file.path().to_str().unwrap()]);
    let bind = [
        "create",
        "clusterrolebinding",
        "modest-it",
        "--clusterrole=modest-it",
        "--group=modest",
    ];
    try_kubectl(plane, &bind);
    plane.kubeconfig_for("modest", Some("modest")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn credential_without_the_rights_serves_every_other_cloud() {
    let plane = &shared_control_planes(2)[0];
    let world = World::new();
    let one = world.register("one", &modest(plane)).await;
    let ordinary = revision(&[&one]);
    world.wish(&ordinary).await;
    world.ready(&target(&ordinary, &one), 1).await;
    world
        .handle
        .nudge(Nudge::Cluster(one.clone()))
        .await
        .unwrap();
    let document = Key::of_cluster(DocumentKind::ClusterHealth, &one);
    let started = Instant::now();
    let health = loop {
        let found = world.store.read::<ClusterHealth>(&document).await.unwrap();
        if let Some(found) = found {
            break found.document;
        }
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(health.state, HealthState::Healthy, "{health:#?}");
    assert!(health.missing_rights.is_empty());
    let missing = &health.missing_privileged_rights;
    for right in [
        "create clusterroles",
        "list clusterrolebindings",
        "escalate clusterroles",
    ] {
        assert!(missing.iter().any(|m| m.starts_with(right)), "{missing:?}");
    }
    let about_clusters = |call: &dcm_cluster::Call| call.name().contains("ClusterRole");
    assert!(
        !world.ledger.calls().iter().any(about_clusters),
        "it is not even asked"
    );

    let other = stranger(plane);
    let mut privileged = revision(&[&one]);
    reaching(&mut privileged, &other);
    world.wish(&privileged).await;
    let key = target(&privileged, &one);
    let blocked = world
        .until(&key, "blocked on access, with the rest there", |target| {
            only_access(target, |access| access.reason == "Forbidden")
        })
        .await;
    assert!(condition(&blocked, Track::Access).hint.is_some());
    let selector = format!("dcm.internal/cloud={}", privileged.cloud_uid);
    eventually("its own namespace is served", || {
        let namespace = privileged.slice.namespace.as_str();
        let arguments = [
            "get",
            "rolebindings",
            "-n",
            namespace,
            "-l",
            &selector,
            "-o",
            "name",
        ];
        kubectl(plane, &arguments).lines().count() == 1
    })
    .await;
    // Nothing was ever written outside, so nothing keeps it from going.
    world.wish(&terminated(&privileged)).await;
    world.absent(&key).await;
    assert_eq!(owned(plane, privileged.cloud_uid), Vec::<String>::new());
}
