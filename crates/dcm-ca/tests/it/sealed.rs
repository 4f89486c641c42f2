//! Keys at rest: no byte of one is in the store, and a sealed one opens only in its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_store::{Batch, Expect, Query, Scope, StoreExt as _};
use dcm_types::DocumentKind;
use dcm_types::ca::{AuthorityScope, CaController as _, TrustModel};
use dcm_types::documents::ca::CaEdge;

use dcm_ca::Policy;

use crate::world::{World, cloud, policy, somebody, target};

async fn everything(world: &World) -> String {
    let mut text = String::new();
    for kind in DocumentKind::ALL {
        let query = Query {
            kind,
            scope: Scope::All,
            after: None,
            limit: 10_000,
        };
        for stored in world.store.list(&query).await.unwrap().documents {
            text.push_str(&stored.body);
        }
    }
    text
}

#[tokio::test]
async fn no_byte_of_a_key_is_in_the_store() {
    let model = Some(TrustModel::CloudIntermediate);
    let world = World::with(Policy {
        trust_model: model,
        ..policy()
    })
    .await;
    let bundle = world.follow("berlin").await;
    let scope = AuthorityScope::Cloud(cloud("shop"));
    world
        .ca
        .authority_request(&scope, &somebody())
        .await
        .unwrap();
    world.look().await;
    let stored = everything(&world).await;
    assert!(stored.contains(&bundle.certificate_pem.replace('\n', "\\n")));
    assert!(!stored.contains("PRIVATE KEY"));
    let body: String = bundle
        .key
        .expose()
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let der = STANDARD.decode(&body).unwrap();
    // The private scalar stands in the middle; whatever way it is written, it is not there.
    let secret = &der[36..68];
    for canary in [
        body[48..80].to_owned(),
        hex::encode(secret),
        STANDARD.encode(secret),
        format!("{secret:?}").replace(' ', ""),
    ] {
        assert!(!stored.contains(&canary), "{canary}");
    }
}

#[tokio::test]
async fn a_sealed_key_that_is_moved_to_another_edge_opens_nothing() {
    let world = World::new().await;
    world.ensure("berlin").await;
    world.ensure("paris").await;
    let edges = world.edges().await;
    let mut moved: CaEdge = edges[1].clone();
    moved.generations[0]
        .key
        .clone_from(&edges[0].generations[0].key);
    let key = dcm_types::Document::key(&moved);
    let found = world.store.read::<CaEdge>(&key).await.unwrap().unwrap();
    let mut batch = Batch::new();
    batch
        .put(&moved, Expect::Number(found.version.number))
        .unwrap();
    world.store.commit(batch).await.unwrap();
    let refused = world.ca.ensure_bundle(&target("paris")).await.unwrap_err();
    assert_eq!(refused.kind, dcm_types::Kind::Internal);
    assert!(!refused.message.contains("KEY"));
}

#[tokio::test]
async fn the_key_of_an_older_generation_is_destroyed() {
    let world = World::new().await;
    world.follow("berlin").await;
    world
        .ca
        .revoke(&target("berlin"), &somebody())
        .await
        .unwrap();
    world.ensure("berlin").await;
    let edge = world.edges().await.remove(0);
    let kept: Vec<bool> = edge
        .generations
        .iter()
        .map(|one| one.key.is_some())
        .collect();
    assert_eq!(kept, vec![false, true]);
}
