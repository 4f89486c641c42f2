//! The record of key events: an edit, a deletion, a changed order, a cut end are found.

use dcm_store::{Batch, Expect, Scope, StoreExt as _};
use dcm_types::Document as _;
use dcm_types::ca::{AuthorityScope, BadEvent, CaController as _, RotationKind, TrustModel};
use dcm_types::documents::ca::{CaEvent, CaVerb};

use dcm_ca::Policy;

use crate::world::{World, cloud, policy, somebody, target};

/// A world with a few events in one chain.
async fn eventful() -> (World, Vec<CaEvent>) {
    let world = World::new().await;
    world.follow("berlin").await;
    world.start(RotationKind::Intermediate).await.unwrap();
    world.look().await;
    world.follow("berlin").await;
    world.look().await;
    let events = events(&world).await;
    let chain = world.authority().await.chain();
    let own: Vec<_> = events
        .into_iter()
        .filter(|event| event.chain == chain)
        .collect();
    assert!(own.len() >= 3, "{own:?}");
    (world, own)
}

async fn events(world: &World) -> Vec<CaEvent> {
    let all = world.store.read_all::<CaEvent>(Scope::All).await.unwrap();
    all.into_iter().map(|found| found.document).collect()
}

async fn put(world: &World, event: &CaEvent) {
    let mut batch = Batch::new();
    batch.put(event, Expect::Anything).unwrap();
    world.store.commit(batch).await.unwrap();
}

async fn delete(world: &World, event: &CaEvent) {
    let mut batch = Batch::new();
    batch.delete(event.key(), Expect::Exists);
    world.store.commit(batch).await.unwrap();
}

async fn bad(world: &World) -> Vec<BadEvent> {
    let scope = AuthorityScope::Cloud(cloud("shop"));
    world.ca.verify_audit(&scope).await.unwrap().bad
}

#[tokio::test]
async fn what_nobody_touched_is_right_and_tells_who_and_what() {
    let (world, own) = eventful().await;
    assert_eq!(bad(&world).await, vec![]);
    let started = own
        .iter()
        .find(|event| event.record.verb == CaVerb::RotationStarted)
        .unwrap();
    assert_eq!(started.record.principal, "alice");
    assert_eq!(started.record.request, "request-1");
    let issued = own[0].record.certificate.as_ref().unwrap();
    assert_eq!(
        issued.fingerprint,
        world.authority().await.anchors[0].fingerprint
    );
}

#[tokio::test]
async fn an_edited_event_is_found() {
    let (world, own) = eventful().await;
    let mut edited = own[1].clone();
    "mallory".clone_into(&mut edited.record.principal);
    put(&world, &edited).await;
    assert_eq!(bad(&world).await[0].sequence, 2);
}

#[tokio::test]
async fn a_deleted_event_is_found_wherever_it_stood() {
    for position in [0, 1, usize::MAX] {
        let (world, own) = eventful().await;
        let deleted = own.get(position).or(own.last()).unwrap();
        delete(&world, deleted).await;
        let found = bad(&world).await;
        assert_eq!(found.len(), 1, "{position}");
        assert_eq!(found[0].sequence, deleted.sequence);
    }
}

#[tokio::test]
async fn a_changed_order_is_found() {
    let (world, own) = eventful().await;
    let (mut first, mut second) = (own[0].clone(), own[1].clone());
    std::mem::swap(&mut first.record, &mut second.record);
    put(&world, &first).await;
    put(&world, &second).await;
    assert_eq!(bad(&world).await[0].sequence, 1);
}

#[tokio::test]
async fn an_event_that_is_copied_into_another_chain_is_found() {
    let (world, own) = eventful().await;
    let edge = world.edges().await.remove(0);
    let mut moved = own[0].clone();
    moved.chain = edge.chain();
    put(&world, &moved).await;
    assert_eq!(bad(&world).await[0].chain, edge.chain());
}

#[tokio::test]
async fn the_end_of_a_member_closes_its_chain() {
    let (world, _) = eventful().await;
    world
        .ca
        .release(&target("berlin"), &somebody())
        .await
        .unwrap();
    assert_eq!(bad(&world).await, vec![]);
    let closed = events(&world).await;
    let closed = closed
        .iter()
        .find(|event| event.record.verb == CaVerb::Closed)
        .unwrap();
    delete(&world, closed).await;
    assert_eq!(bad(&world).await.len(), 1);
}

#[tokio::test]
async fn the_root_has_a_chain_of_its_own() {
    let model = Some(TrustModel::CloudIntermediate);
    let world = World::with(Policy {
        trust_model: model,
        ..policy()
    })
    .await;
    world.ensure("berlin").await;
    let report = world
        .ca
        .verify_audit(&AuthorityScope::Organization)
        .await
        .unwrap();
    assert_eq!((report.chains, report.verified, report.bad), (1, 1, vec![]));
}
