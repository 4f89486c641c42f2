//! The real controller: what it says to its own process and over the socket is the same.

use std::sync::Arc;

use dcm_ca::{Controller, Parts, Policy};
use dcm_store::{Batch, Expect, MemoryStore, Store, Vault};
use dcm_types::Kind;
use dcm_types::Timestamp;
use dcm_types::ca::{AuthorityScope, CaChange, CaController};
use dcm_types::documents::{DriftPolicy, Level, LogicalCloud, Metadata};
use dcm_types::ports::{Clock, Randomness};
use futures::StreamExt as _;
use parking_lot::Mutex;

use crate::samples;
use crate::wire::Wire;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        samples::at(0)
    }
}

/// Counts, so that no two are the same.
struct Counting(Mutex<u64>);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let mut count = self.0.lock();
        *count += 1;
        let bytes = count.to_be_bytes().into_iter().cycle();
        buffer
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = from);
    }
}

async fn controller() -> Arc<Controller> {
    let clock = Arc::new(Fixed);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
    let cloud = LogicalCloud {
        uid: samples::uid(),
        key: samples::cloud(),
        metadata: Metadata::default(),
        level: Level::default(),
        user: None,
        drift: DriftPolicy::default(),
        mesh: None,
        flat: false,
        created_at: samples::at(0),
    };
    let mut batch = Batch::new();
    batch.put(&cloud, Expect::Absent).unwrap();
    store.commit(batch).await.unwrap();
    Arc::new(Controller::new(Parts {
        store,
        vault: Arc::new(Vault::ephemeral()),
        clock,
        randomness: Arc::new(Counting(Mutex::new(0))),
        policy: Policy::default(),
    }))
}

/// What can be asked again and again.
async fn ask(ca: &dyn CaController) -> Vec<String> {
    let (near, by) = (samples::target("near"), samples::requester());
    let bundle = ca.ensure_bundle(&near).await.unwrap();
    let same = ca.get_bundle(&near).await.unwrap();
    assert_eq!(bundle.key.expose(), same.key.expose());
    let mut said = vec![
        format!("{bundle:?} {}", bundle.key.expose()),
        format!("{:?}", ca.get_bundle(&samples::target("far")).await),
        format!("{:?}", ca.list_bundles(&samples::cloud()).await.unwrap()),
        format!("{:?}", ca.get_rotation(&samples::cloud()).await),
        format!("{:?}", ca.abort_rotation(&samples::cloud(), &by).await),
        format!(
            "{:?}",
            ca.start_rotation(&samples::start(true), &by).await.unwrap()
        ),
    ];
    for scope in [
        AuthorityScope::Organization,
        AuthorityScope::Cloud(samples::cloud()),
    ] {
        said.push(format!("{:?}", ca.show(&scope).await));
        said.push(format!("{:?}", ca.verify_audit(&scope).await));
        let answer = samples::answer(&scope, None);
        let refused = ca.install_signed(&answer, &by).await.unwrap_err();
        assert_ne!(refused.kind, Kind::Internal, "{refused:?}");
        said.push(format!("{refused:?}"));
        let refused = ca
            .import(samples::import(&scope, None), &by)
            .await
            .unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid, "{refused:?}");
        said.push(format!("{refused:?}"));
    }
    said
}

#[tokio::test]
async fn the_real_controller_says_the_same_over_the_socket() {
    let controller = controller().await;
    let wire = Wire::new(controller.clone());
    let near = ask(controller.as_ref()).await;
    assert_eq!(ask(&wire.client()).await, near);
}

#[tokio::test]
async fn a_change_by_the_real_controller_is_heard_over_the_socket() {
    let controller = controller().await;
    let wire = Wire::new(controller.clone());
    let client = wire.client();
    let mut hints = client.watch();
    assert_eq!(hints.next().await, Some(CaChange::Missed));
    let near = samples::target("near");
    client.ensure_bundle(&near).await.unwrap();
    client.revoke(&near, &samples::requester()).await.unwrap();
    let heard: Vec<CaChange> = hints.by_ref().take(2).collect().await;
    assert!(!heard.contains(&CaChange::Missed), "{heard:?}");
}
