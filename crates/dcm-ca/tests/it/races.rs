//! Many ask for one bundle at the same time, in several processes: one is made, and all get it.

use std::sync::Arc;

use dcm_ca::Policy;
use dcm_store::{MemoryStore, SqliteStore, Store, Vault};
use dcm_types::KeyAlgorithm;
use dcm_types::ca::{CaController as _, RotationKind, RotationPhase};

use crate::faults::FaultyStore;
use crate::world::{HandClock, World, policy, target};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_get_one_bundle() {
    let world = World::new().await;
    let processes = [world.another(policy()), world.another(policy())];
    let asked: Vec<_> = (0..24)
        .map(|number: usize| {
            let ca = processes[number % 2].ca.clone();
            tokio::spawn(async move { ca.ensure_bundle(&target("berlin")).await.unwrap() })
        })
        .collect();
    let mut keys = Vec::new();
    for task in asked {
        keys.push(task.await.unwrap().key.expose().to_owned());
    }
    keys.dedup();
    assert_eq!(keys.len(), 1);
    assert_eq!(world.edges().await.len(), 1);
    assert_eq!(world.edges().await[0].generations.len(), 1);
    world.verified_events().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_is_made_while_the_anchor_changes_is_below_one_that_is_trusted() {
    let world = World::new().await;
    world.follow("berlin").await;
    world.start(RotationKind::Anchor).await.unwrap();
    let (ca, looking) = (world.ca.clone(), world.another(policy()).ca);
    let looks = tokio::spawn(async move {
        for _ in 0..20 {
            looking.look_at_all().await.ok();
        }
    });
    for number in 0..20 {
        let bundle = ca
            .ensure_bundle(&target(&format!("edge{number}")))
            .await
            .unwrap();
        let chain = bundle
            .chain_pem
            .strip_prefix(&bundle.certificate_pem)
            .unwrap();
        assert!(bundle.anchors_pem.contains(chain));
    }
    looks.await.unwrap();
}

#[tokio::test]
async fn a_member_that_joins_while_a_phase_is_entered_is_waited_for() {
    let clock = Arc::new(HandClock::new());
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
    let store = Arc::new(FaultyStore::new(inner.clone()));
    let vault = Arc::new(Vault::ephemeral());
    let world = World::on(store.clone(), vault.clone(), clock.clone(), policy());
    world.create("shop").await;
    world.follow("berlin").await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    world.follow("berlin").await;
    let other = World::on(inner, vault, clock, policy());
    store.before_next(async move {
        other.ensure("rome").await;
    });
    world.look().await;
    let state = world.rotation().await;
    assert_eq!(state.phase, RotationPhase::SignWithNew);
    assert_eq!(state.waiting[0].cluster, target("rome").cluster);
}

#[tokio::test]
async fn a_bundle_outlives_the_process_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("dcm.sqlite");
    let (clock, vault) = (Arc::new(HandClock::new()), Arc::new(Vault::ephemeral()));
    let open = || {
        let store = SqliteStore::open(&path, clock.clone()).unwrap();
        World::on(Arc::new(store), vault.clone(), clock.clone(), policy())
    };
    let first = {
        let world = open();
        world.create("shop").await;
        world.ensure("berlin").await
    };
    let again = open().ensure("berlin").await;
    assert_eq!(first.key.expose(), again.key.expose());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_keys_are_made_once_and_apart() {
    let slow = Policy {
        edge_algorithm: KeyAlgorithm::Rsa3072,
        ..policy()
    };
    let world = World::with(slow).await;
    let berlin = target("berlin");
    let (one, other) = tokio::join!(
        world.ca.ensure_bundle(&berlin),
        world.ca.ensure_bundle(&berlin)
    );
    assert_eq!(one.unwrap().key.expose(), other.unwrap().key.expose());
}
