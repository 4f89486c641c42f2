//! Cluster references: both dialects over one model, one cluster at most once.

use std::net::IpAddr;

use dcm_app::Precondition;
use dcm_types::drafts::ReferenceDraft;
use dcm_types::{ClusterKey, ClusterName, Kind, ProviderName};

use crate::world::{World, cloud_key, cluster, kind, reference_draft, reference_name, who};

on_every_store!(
    what_one_dialect_writes_the_other_reads,
    a_cluster_is_referenced_once,
    names_are_made_of_provider_and_cluster_and_unique,
    an_unregistered_cluster_is_named_with_its_field,
    a_replaced_reference_keeps_its_cluster,
    references_are_deleted_in_both_dialects,
);

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn prepared(world: &World, clusters: &[&str]) -> dcm_types::CloudKey {
    world.register(clusters).await;
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    key
}

async fn what_one_dialect_writes_the_other_reads(world: World) {
    let key = prepared(&world, &["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    let one = Some(address("192.0.2.1"));
    let put = app
        .put_reference_of(&who, &key, &cluster("c1"), one, Precondition::None)
        .await
        .unwrap();
    assert!(put.created);
    let name = reference_name("edge-c1");
    let named = app.get_reference(&who, &key, &name).await.unwrap();
    assert_eq!(named, put.saved);
    assert_eq!(named.document.reference.load_balancer_address, one);

    let again = app
        .put_reference_of(
            &who,
            &key,
            &cluster("c1"),
            Some(address("2001:db8::1")),
            Precondition::None,
        )
        .await
        .unwrap();
    assert!(!again.created && again.saved.version > put.saved.version);

    let draft = reference_draft(Some("mine"), "c2");
    let posted = app.create_reference(&who, &key, draft).await.unwrap();
    let of = app
        .get_reference_of(&who, &key, &cluster("c2"))
        .await
        .unwrap();
    assert_eq!(of, posted);
    let edge = ProviderName::parse("edge").unwrap();
    let listed = app.list_references(&who, &key, Some(&edge)).await.unwrap();
    assert_eq!(listed.len(), 2);
    let other = ProviderName::parse("other").unwrap();
    let listed = app.list_references(&who, &key, Some(&other)).await.unwrap();
    assert!(listed.is_empty());
}

async fn a_cluster_is_referenced_once(world: World) {
    let key = prepared(&world, &["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    let draft = reference_draft(Some("first"), "c1");
    app.create_reference(&who, &key, draft).await.unwrap();
    let error = app
        .create_reference(&who, &key, reference_draft(Some("second"), "c1"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(
        error.to_string(),
        "cluster 'edge/c1' is referenced by 'first' already"
    );
    let same_name = app
        .create_reference(&who, &key, reference_draft(Some("first"), "c2"))
        .await;
    assert_eq!(kind(same_name), Kind::AlreadyExists);
}

async fn names_are_made_of_provider_and_cluster_and_unique(world: World) {
    let key = prepared(&world, &["c1", "c2", "x-c1"]).await;
    let (app, who) = (&world.app, who());
    let taken = reference_draft(Some("edge-c1"), "c2");
    app.create_reference(&who, &key, taken).await.unwrap();
    let made = app
        .create_reference(&who, &key, reference_draft(None, "c1"))
        .await
        .unwrap();
    assert_eq!(made.document.reference.name.as_str(), "edge-c1-2");

    let long = ClusterName::parse(&format!("{}.x", "c".repeat(126))).unwrap();
    let draft = crate::world::cluster_draft(long.as_str(), "https://52.1.2.3:6443");
    app.create_cluster(&who, &cluster("c1").provider, draft)
        .await
        .unwrap();
    let of = ClusterKey {
        provider: cluster("c1").provider,
        cluster: long,
    };
    let made = app
        .put_reference_of(&who, &key, &of, None, Precondition::None)
        .await
        .unwrap();
    let name = &made.saved.document.reference.name;
    assert!(name.as_str().len() <= 128 && name.as_str().starts_with("edge-ccc"));
}

async fn an_unregistered_cluster_is_named_with_its_field(world: World) {
    let key = prepared(&world, &["c1"]).await;
    let (app, who) = (&world.app, who());
    let posted = app
        .create_reference(&who, &key, reference_draft(None, "c9"))
        .await;
    let put = app
        .put_reference_of(&who, &key, &cluster("c9"), None, Precondition::None)
        .await;
    for error in [posted.unwrap_err(), put.unwrap_err()] {
        assert_eq!(error.kind, Kind::NotFound);
        assert_eq!(
            error.to_string(),
            "cluster 'c9' of cluster provider 'edge' does not exist"
        );
        assert_eq!(error.faults[0].field, "spec.cluster");
    }
    assert_eq!(
        kind(app.get_reference_of(&who, &key, &cluster("c9")).await),
        Kind::NotFound
    );
}

async fn a_replaced_reference_keeps_its_cluster(world: World) {
    let key = prepared(&world, &["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    let name = reference_name("r");
    let put = async |draft: ReferenceDraft, precondition| {
        app.put_reference(&who, &key, &name, draft, precondition)
            .await
    };
    let created = put(reference_draft(None, "c1"), Precondition::None)
        .await
        .unwrap();
    assert!(created.created);
    assert_eq!(created.saved.document.reference.name, name);
    let changed = ReferenceDraft {
        load_balancer_address: Some(address("192.0.2.9")),
        ..reference_draft(Some("r"), "c1")
    };
    let version = Precondition::Match(vec![created.saved.version]);
    let written = put(changed.clone(), version.clone()).await.unwrap();
    assert!(!written.created);
    assert_eq!(kind(put(changed, version).await), Kind::PreconditionFailed);
    let moved = put(reference_draft(None, "c2"), Precondition::None).await;
    assert_eq!(kind(moved), Kind::Conflict);
    let misnamed = put(reference_draft(Some("x"), "c1"), Precondition::None).await;
    assert_eq!(kind(misnamed), Kind::Invalid);
}

async fn references_are_deleted_in_both_dialects(world: World) {
    let key = prepared(&world, &["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    world.refer(&key, "c1").await;
    world.refer(&key, "c2").await;
    let in_use = app
        .delete_cluster(&who, &cluster("c1"), Precondition::None)
        .await;
    assert_eq!(kind(in_use), Kind::Conflict);
    app.delete_reference_of(&who, &key, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    let name = reference_name("edge-c2");
    let stale = Precondition::Match(vec![1]);
    let refused = app.delete_reference(&who, &key, &name, stale).await;
    assert_eq!(kind(refused), Kind::PreconditionFailed);
    app.delete_reference(&who, &key, &name, Precondition::None)
        .await
        .unwrap();
    for missing in [
        app.delete_reference_of(&who, &key, &cluster("c1"), Precondition::None)
            .await,
        app.delete_reference(&who, &key, &name, Precondition::None)
            .await,
    ] {
        assert_eq!(kind(missing), Kind::NotFound);
    }
    app.delete_cluster(&who, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
}
