//! Registered clusters: the credential goes in, sealed, and never comes out.

use dcm_app::Precondition;
use dcm_pki::kubeconfig::AdminCredential;
use dcm_store::{Batch, Expect, Place, StoreExt as _};
use dcm_types::documents::{
    Cluster, ClusterHealth, ClusterIdentity, HealthState, Metadata, SignerState,
};
use dcm_types::drafts::ClusterDraft;
use dcm_types::ports::Nudge;
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, Key, Kind, Timestamp, chain};
use secrecy::{ExposeSecret as _, SecretString};

use crate::world::{CANARY, World, cluster, cluster_draft, described, kind, who};

on_every_store!(
    the_credential_is_stored_sealed_only,
    a_replaced_credential_has_a_new_epoch,
    a_put_without_a_kubeconfig_keeps_the_credential,
    a_bad_kubeconfig_is_refused_with_its_fields,
    refused_addresses_are_refused_at_once,
    health_of_the_present_credential_is_joined,
    a_deleted_cluster_leaves_nothing,
);

const SERVER: &str = "https://52.1.2.3:6443";

async fn stored(world: &World, name: &str) -> Cluster {
    let key = Key::cluster(&cluster(name));
    let found = world.store.read::<Cluster>(&key).await.unwrap();
    found.unwrap().document
}

fn unseal(world: &World, cluster: &Cluster) -> AdminCredential {
    let place = Place {
        key: &cluster.key(),
        uid: cluster.uid,
        field: "credential",
        epoch: cluster.credential_epoch,
    };
    let plain = world
        .vault
        .unseal(Purpose::ClusterCredential, &place, &cluster.credential)
        .unwrap();
    AdminCredential::from_json(plain.expose_secret()).unwrap()
}

async fn the_credential_is_stored_sealed_only(world: World) {
    world.register(&["c1"]).await;
    let nudged = world.synchronizer.nudges();
    assert_eq!(nudged, [Nudge::Cluster(cluster("c1"))]);
    let document = stored(&world, "c1").await;
    assert_eq!(document.server, SERVER);
    assert_eq!(unseal(&world, &document).server.to_string(), SERVER);
    let raw = world
        .store
        .get(&document.key())
        .await
        .unwrap()
        .unwrap()
        .body;
    assert!(!raw.contains(CANARY));
    let shown = world.app.get_cluster(&who(), &cluster("c1")).await.unwrap();
    assert!(!format!("{shown:?}").contains(CANARY));
    for record in world.records(Key::SYSTEM_SCOPE).await {
        assert!(!format!("{record:?}").contains(CANARY));
    }
}

async fn a_replaced_credential_has_a_new_epoch(world: World) {
    world.register(&["c1"]).await;
    world.synchronizer.nudges();
    let before = stored(&world, "c1").await;
    let other = "https://52.1.2.4:6443";
    let put = world
        .app
        .put_cluster(
            &who(),
            &cluster("c1"),
            cluster_draft("c1", other),
            Precondition::None,
        )
        .await
        .unwrap();
    assert!(!put.created);
    let after = stored(&world, "c1").await;
    assert_eq!(after.uid, before.uid);
    assert_eq!(after.credential_epoch, before.credential_epoch + 1);
    assert_eq!(after.server, other);
    assert_eq!(unseal(&world, &after).server.to_string(), other);
    assert_eq!(world.synchronizer.nudges(), [Nudge::Cluster(cluster("c1"))]);
}

async fn a_put_without_a_kubeconfig_keeps_the_credential(world: World) {
    let without = |text: &str| ClusterDraft {
        metadata: described(text),
        kubeconfig: None,
        ..cluster_draft("c1", SERVER)
    };
    let put = async |text: &str| {
        world
            .app
            .put_cluster(&who(), &cluster("c1"), without(text), Precondition::None)
            .await
    };
    world.register(&[]).await;
    let refused = put("x").await.unwrap_err();
    assert_eq!(refused.kind, Kind::Invalid);
    assert_eq!(refused.faults[0].field, "spec.kubeconfig");

    world.register(&["c1"]).await;
    let before = stored(&world, "c1").await;
    put("text").await.unwrap();
    let after = stored(&world, "c1").await;
    assert_eq!(after.metadata, described("text"));
    assert_eq!(
        Cluster {
            metadata: Metadata::default(),
            ..after
        },
        before
    );
}

async fn a_bad_kubeconfig_is_refused_with_its_fields(world: World) {
    world.register(&[]).await;
    let bad = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\nclusters: []\nusers:\n- name: u\n  \
         user:\n    exec: {{command: /bin/sh}}\n    token: {CANARY}\ncontexts: []\n"
    );
    let draft = ClusterDraft {
        kubeconfig: Some(SecretString::from(bad)),
        ..cluster_draft("c1", SERVER)
    };
    let error = world
        .app
        .create_cluster(&who(), &cluster("c1").provider, draft)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert!(
        error.faults.len() > 1,
        "all faults at once: {:?}",
        error.faults
    );
    for fault in &error.faults {
        assert!(fault.field.starts_with("spec.kubeconfig"), "{fault}");
    }
    assert!(
        error
            .faults
            .iter()
            .any(|fault| fault.field.contains("exec"))
    );
    assert!(!format!("{error:?} {}", chain(&error)).contains(CANARY));
    assert!(!world.exists(&Key::cluster(&cluster("c1"))).await);
}

async fn refused_addresses_are_refused_at_once(world: World) {
    world.register(&[]).await;
    for server in [
        "https://127.0.0.1:6443",
        "https://169.254.169.254",
        "https://10.0.0.1:6443",
        "https://[::1]:6443",
        "https://[::ffff:169.254.169.254]",
        "https://0.0.0.0:9077",
    ] {
        let draft = cluster_draft("c1", server);
        let refused = world
            .app
            .create_cluster(&who(), &cluster("c1").provider, draft)
            .await;
        let error = refused.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{server}");
        assert!(error.faults[0].field.starts_with("spec.kubeconfig"));
    }
    assert!(world.synchronizer.nudges().is_empty());
}

fn health(at: Timestamp, epoch: u64) -> ClusterHealth {
    ClusterHealth {
        key: cluster("c1"),
        credential_epoch: epoch,
        checked_at: at,
        state: HealthState::Healthy,
        since: at,
        version: Some("v1.36.0".to_owned()),
        identity: Some("identity".to_owned()),
        user_name: None,
        groups: Vec::new(),
        missing_rights: Vec::new(),
        missing_privileged_rights: Vec::new(),
        signer: SignerState::Works,
        findings: Vec::new(),
    }
}

async fn health_of_the_present_credential_is_joined(world: World) {
    world.register(&["c1"]).await;
    let read = async || {
        let saved = world.app.get_cluster(&who(), &cluster("c1")).await;
        saved.unwrap().document.health
    };
    assert_eq!(read().await, None);
    let at = stored(&world, "c1").await.created_at;
    for (health, shown) in [
        (health(at, 1), true),
        (health(at, 2), false),
        (health(at - std::time::Duration::from_secs(9), 1), false),
    ] {
        let mut batch = Batch::new();
        batch.put(&health, Expect::Anything).unwrap();
        world.store.commit(batch).await.unwrap();
        assert_eq!(read().await.is_some(), shown, "{health:?}");
    }
    let listed = world
        .app
        .list_clusters(
            &who(),
            &cluster("c1").provider,
            &dcm_app::ClusterFilter::default(),
            dcm_app::PageRequest::default(),
        )
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
}

async fn a_deleted_cluster_leaves_nothing(world: World) {
    world.register(&["c1", "c2"]).await;
    let identity = |name: &str, text: &str, uid| ClusterIdentity {
        identity: text.to_owned(),
        holder: cluster(name),
        holder_uid: uid,
    };
    let first = stored(&world, "c1").await;
    let second = stored(&world, "c2").await;
    let mut batch = Batch::new();
    let own = identity("c1", "one", first.uid);
    let other = identity("c2", "two", second.uid);
    let health = health(first.created_at, 1);
    batch.put(&own, Expect::Anything).unwrap();
    batch.put(&other, Expect::Anything).unwrap();
    batch.put(&health, Expect::Anything).unwrap();
    world.store.commit(batch).await.unwrap();

    world
        .app
        .delete_cluster(&who(), &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    assert!(!world.exists(&first.key()).await);
    assert!(!world.exists(&own.key()).await);
    assert!(!world.exists(&health.key()).await);
    assert!(world.exists(&other.key()).await);
    let again = world.app.get_cluster(&who(), &cluster("c1")).await;
    assert_eq!(kind(again), Kind::NotFound);
}
