//! Revocation: every member gets the list that names an edge, and the edge another certificate when it asks.

use dcm_pki::authority::RevocationList;
use dcm_types::Kind;
use dcm_types::ca::{CaBundle, CaController as _, GenerationState};
use dcm_types::documents::ca::CaVerb;
use dcm_types::ports::Clock as _;
use jiff::SignedDuration;

use crate::world::{World, cloud, somebody, target};

fn revoked(bundle: &CaBundle) -> Vec<String> {
    let lists = bundle.lists_pem.split_inclusive("-----END X509 CRL-----\n");
    let lists = lists.map(|pem| RevocationList::from_pem(pem).unwrap());
    lists
        .flat_map(|list| list.revoked)
        .map(hex::encode)
        .collect()
}

#[tokio::test]
async fn every_member_gets_the_list_that_names_a_revoked_edge() {
    let world = World::new().await;
    world.follow("berlin").await;
    let before = world.follow("paris").await;
    assert!(revoked(&before).is_empty());
    let told = world
        .ca
        .revoke(&target("berlin"), &somebody())
        .await
        .unwrap();
    assert_eq!(told.state, GenerationState::Revoked);
    let after = world.ensure("paris").await;
    assert_eq!(revoked(&after), vec![told.serial.clone()]);
    assert_eq!(after.version.generation, before.version.generation);
    assert!(after.version.lists > before.version.lists);
    let again = world
        .ca
        .revoke(&target("berlin"), &somebody())
        .await
        .unwrap();
    assert_eq!(again.serial, told.serial);
    assert_eq!(world.ensure("paris").await.version, after.version);
}

#[tokio::test]
async fn a_revoked_edge_gets_another_certificate_only_when_it_asks() {
    let world = World::new().await;
    let first = world.follow("berlin").await;
    world
        .ca
        .revoke(&target("berlin"), &somebody())
        .await
        .unwrap();
    world.look().await;
    assert_eq!(world.edges().await[0].generations.len(), 1);
    let refused = world.ca.get_bundle(&target("berlin")).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    let second = world.ensure("berlin").await;
    assert_eq!(second.version.generation, first.version.generation + 1);
    assert!(!revoked(&second).is_empty());
    let states: Vec<_> = world.ca.list_bundles(&cloud("shop")).await.unwrap();
    let states: Vec<_> = states.into_iter().map(|one| one.state).collect();
    assert_eq!(
        states,
        vec![GenerationState::Issued, GenerationState::Revoked]
    );
}

#[tokio::test]
async fn lists_are_made_anew_before_they_end() {
    let world = World::new().await;
    let first = world.ensure("berlin").await;
    for _ in 0..8 {
        world.clock.forward(crate::world::DAY * 5);
        world.look().await;
        let bundle = world.ensure("berlin").await;
        let lists = bundle.lists_pem.split_inclusive("-----END X509 CRL-----\n");
        for pem in lists {
            let list = RevocationList::from_pem(pem).unwrap();
            let left = list.next_update.unwrap().duration_since(world.clock.now());
            assert!(left > SignedDuration::from_hours(24 * 9), "{left:?}");
        }
    }
    let last = world.ensure("berlin").await;
    assert_eq!(first.version.generation, last.version.generation);
    assert!(last.version.lists > first.version.lists);
}

#[tokio::test]
async fn a_list_forgets_what_has_ended() {
    let world = World::new().await;
    world.ensure("berlin").await;
    world
        .ca
        .revoke(&target("berlin"), &somebody())
        .await
        .unwrap();
    world.ensure("paris").await;
    world.clock.forward(crate::world::DAY * 91);
    world.look().await;
    assert!(revoked(&world.ensure("paris").await).is_empty());
    let _: CaVerb = CaVerb::Revoked;
}
