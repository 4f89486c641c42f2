//! Preparing: each member has its document, once, whatever happens in between.

use dcm_app::{Deletion, Precondition, Prepared, Thorough, run_service_meshes};
use dcm_store::Scope;
use dcm_types::DocumentKind;
use dcm_types::documents::{MeshMode, ObjectIdentity};
use dcm_types::ports::Nudge;
use tokio_util::sync::CancellationToken;

use super::site::{Counting, Shaky, Site, meshes};
use crate::members::{ready_target, target_key};
use crate::world::{World, cluster, eventually, who};

on_every_store!(
    every_member_gets_a_bundle_and_one_manifest_serves_all,
    preparing_again_changes_nothing,
    preparing_at_the_same_time_makes_everything_once,
    a_controller_that_is_away_is_a_problem_until_it_is_back,
    what_cannot_be_rendered_is_a_problem_and_what_was_there_stays,
    a_changed_address_reaches_the_others_and_renders_nothing,
    what_a_member_says_of_its_address_counts_until_a_user_says_it,
    members_that_come_and_go_reach_the_others,
    a_mesh_that_is_off_goes_when_the_members_are_clean,
    an_end_at_any_step_leaves_what_another_process_completes,
    an_end_during_a_release_leaves_what_another_process_completes,
    the_loop_prepares_without_being_asked,
    a_deleted_cloud_leaves_nothing,
);

const THREE: [&str; 3] = ["c1", "c2", "c3"];

async fn every_member_gets_a_bundle_and_one_manifest_serves_all(world: World) {
    let site = Site::with(world, MeshMode::Istio, &THREE).await;
    assert_eq!(site.prepare().await, Prepared::Done);
    assert_eq!(site.prepared().await, THREE);
    let manifests = site.manifests().await;
    assert_eq!((manifests.len(), site.renderer.rendered()), (1, 1));
    for name in THREE {
        let document = site.document(name).await;
        assert!(document.is_complete());
        assert_eq!(document.manifest.as_ref(), Some(&manifests[0].digest));
        assert_eq!((document.peers.len(), document.problem), (2, None));
        let bundle = document.bundle.unwrap();
        assert!(bundle.chain_pem.starts_with(&bundle.certificate_pem));
        let target = target_key(&site.key, name);
        let text = site.app.mesh_manifest(&who(), &target).await.unwrap();
        assert!(text.contains(&document.cluster_name) && text.contains(&document.network));
    }
    let nudges = site.world.synchronizer.nudges();
    assert_eq!(nudges, [Nudge::Cloud(site.key.clone())]);
    assert_no_key(&site).await;
}

/// A mesh's documents tell of keys by their certificates only.
async fn assert_no_key(site: &Site) {
    for kind in [DocumentKind::ServiceMesh, DocumentKind::MeshManifest] {
        let query = dcm_store::Query {
            kind,
            scope: Scope::All,
            after: None,
            limit: 100,
        };
        for stored in site.world.store.list(&query).await.unwrap().documents {
            assert!(!stored.body.contains("PRIVATE KEY"), "{}", stored.key);
        }
    }
}

async fn preparing_again_changes_nothing(world: World) {
    let site = Site::with(world, MeshMode::Istio, &THREE).await;
    site.prepare().await;
    let (before, asked) = (site.documents().await, site.ca.asked());
    site.world.synchronizer.nudges();
    site.prepare().await;
    assert_eq!(site.ca.asked(), asked);
    let again = site.app.prepare_mesh(&site.key, Thorough::All).await;
    assert_eq!(again.unwrap(), Prepared::Done);
    assert_eq!(site.ca.asked(), asked + 3);
    assert_eq!(site.documents().await, before);
    assert_eq!(site.world.synchronizer.nudges(), []);
    assert_eq!(site.renderer.rendered(), 1);
    // Nor does another process that was never told of what was rendered.
    site.another()
        .prepare_mesh(&site.key, Thorough::All)
        .await
        .unwrap();
    assert_eq!(site.documents().await, before);
    assert_eq!(site.renderer.rendered(), 1);
}

async fn preparing_at_the_same_time_makes_everything_once(world: World) {
    let site = Site::with(world, MeshMode::Istio, &THREE).await;
    let apps = [site.app.clone(), site.another(), site.another()];
    let runs = apps
        .iter()
        .map(|app| app.prepare_mesh(&site.key, Thorough::Due));
    for prepared in futures::future::join_all(runs).await {
        assert_eq!(prepared.unwrap(), Prepared::Done);
    }
    assert_eq!(site.prepared().await, THREE);
    assert_eq!(site.manifests().await.len(), 1);
    let edges = THREE.map(|name| (name.to_owned(), 1));
    assert_eq!(site.edges().await, edges);
}

async fn a_controller_that_is_away_is_a_problem_until_it_is_back(world: World) {
    let site = Site::with(world, MeshMode::CaOnly, &THREE).await;
    site.ca.away(true);
    assert_eq!(site.prepare().await, Prepared::Later);
    // Who does not answer is asked once, not for every member.
    assert_eq!(site.ca.asked(), 1);
    for name in THREE {
        let document = site.document(name).await;
        assert_eq!(document.problem.unwrap().reason, "AuthorityUnavailable");
        assert_eq!(document.bundle, None);
    }
    let before = site.documents().await;
    assert_eq!(site.prepare().await, Prepared::Later);
    assert_eq!(
        site.documents().await,
        before,
        "the same problem is written once"
    );
    site.ca.away(false);
    assert_eq!(site.prepare().await, Prepared::Done);
    for name in THREE {
        assert!(site.document(name).await.is_complete());
        assert_eq!(site.document(name).await.problem, None);
    }
}

async fn what_cannot_be_rendered_is_a_problem_and_what_was_there_stays(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1"]).await;
    site.prepare().await;
    let before = site.document("c1").await;
    // Another version of the renderer, in another process.
    let renderer = Counting::new("2");
    renderer.fail(true);
    let ca = Shaky::on(&site.world);
    let app = site.world.another_with(ca, meshes(&renderer));
    let prepared = app.prepare_mesh(&site.key, Thorough::Due).await.unwrap();
    assert_eq!(prepared, Prepared::Later);
    let failed = site.document("c1").await;
    assert_eq!(failed.manifest, before.manifest);
    let problem = failed.problem.unwrap();
    assert_eq!(problem.reason, "RenderFailed");
    assert!(
        problem.message.contains("out of ink"),
        "{}",
        problem.message
    );
    assert_eq!(site.manifests().await.len(), 1);
    renderer.fail(false);
    let prepared = app.prepare_mesh(&site.key, Thorough::Due).await.unwrap();
    assert_eq!(prepared, Prepared::Done);
    let now = site.document("c1").await;
    assert_ne!(now.rendered_from, before.rendered_from);
    assert_eq!(now.problem, None);
}

async fn a_changed_address_reaches_the_others_and_renders_nothing(world: World) {
    let site = Site::with(world, MeshMode::Istio, &THREE).await;
    site.prepare().await;
    let own = site.document("c2").await;
    site.put_address("c2", "192.0.2.7").await;
    site.prepare().await;
    for name in ["c1", "c3"] {
        let told = site.told(name, "c2").await;
        assert_eq!(told.as_deref(), Some("192.0.2.7"));
    }
    assert_eq!(site.document("c2").await, own);
    assert_eq!(site.renderer.rendered(), 1);
}

async fn what_a_member_says_of_its_address_counts_until_a_user_says_it(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1", "c2"]).await;
    site.put_address("c2", "0.0.0.0").await;
    site.prepare().await;
    assert_eq!(site.told("c1", "c2").await, None);
    let lifecycle = site.world.lifecycle(&site.key).await;
    let key = target_key(&site.key, "c2");
    let mut target = ready_target(&key, lifecycle.cloud_uid, lifecycle.generation);
    target.gateway_address = Some("lb.example".to_owned());
    site.world.record(&target).await;
    site.prepare().await;
    assert_eq!(site.told("c1", "c2").await.as_deref(), Some("lb.example"));
    site.put_address("c2", "192.0.2.7").await;
    site.prepare().await;
    assert_eq!(site.told("c1", "c2").await.as_deref(), Some("192.0.2.7"));
}

async fn members_that_come_and_go_reach_the_others(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1", "c2"]).await;
    site.prepare().await;
    site.world.make_ready(&site.key, "c2").await;
    site.world.register(&["c3"]).await;
    site.world.refer(&site.key, "c3").await;
    site.app
        .delete_reference_of(&who(), &site.key, &cluster("c2"), Precondition::None)
        .await
        .unwrap();
    site.app.update(&who(), &site.key).await.unwrap();
    site.prepare().await;
    // What may be left in it goes first.
    assert_eq!(site.prepared().await, THREE);
    let peers = site.document("c1").await.peers;
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].cluster, cluster("c3"));
    assert_eq!(site.edges().await.len(), 3);
    site.world.make_absent(&site.key, "c2").await;
    site.prepare().await;
    assert_eq!(site.prepared().await, ["c1", "c3"]);
    let edges = [("c1".to_owned(), 1), ("c3".to_owned(), 1)];
    assert_eq!(site.edges().await, edges);
    assert_eq!(site.renderer.rendered(), 1);
}

async fn a_mesh_that_is_off_goes_when_the_members_are_clean(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1"]).await;
    site.prepare().await;
    let name = site.document("c1").await.name;
    site.change_mode(MeshMode::CaOnly).await;
    site.prepare().await;
    let document = site.document("c1").await;
    assert_eq!((document.mode, document.manifest), (MeshMode::CaOnly, None));
    assert_eq!((&document.name, document.peers.len()), (&name, 0));
    assert_eq!(site.manifests().await, []);
    site.change_mode(MeshMode::Off).await;
    let lifecycle = site.world.lifecycle(&site.key).await;
    let key = target_key(&site.key, "c1");
    let mut target = ready_target(&key, lifecycle.cloud_uid, lifecycle.generation);
    target.inventory.push(ObjectIdentity {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: name.to_string(),
    });
    site.world.record(&target).await;
    site.prepare().await;
    assert_eq!(site.prepared().await, ["c1"], "the namespace is left");
    target.inventory.clear();
    site.world.record(&target).await;
    site.prepare().await;
    assert!(site.prepared().await.is_empty());
    assert_eq!(site.edges().await, []);
}

async fn an_end_at_any_step_leaves_what_another_process_completes(world: World) {
    let site = Site::with(world, MeshMode::Istio, &THREE).await;
    // A bundle for each of three members, then the trust domain.
    for step in 0..4 {
        site.ca.lose_answer(step);
        tokio::select! {
            prepared = site.app.prepare_mesh(&site.key, Thorough::All) => unreachable!("{prepared:?}"),
            () = site.ca.lost() => {}
        }
    }
    assert!(site.prepared().await.is_empty());
    let prepared = site.another().prepare_mesh(&site.key, Thorough::Due).await;
    assert_eq!(prepared.unwrap(), Prepared::Done);
    assert_eq!(site.prepared().await, THREE);
    assert_eq!(site.edges().await, THREE.map(|name| (name.to_owned(), 1)));
}

async fn an_end_during_a_release_leaves_what_another_process_completes(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1"]).await;
    site.prepare().await;
    site.app.terminate(&who(), &site.key).await.unwrap();
    site.world.make_absent(&site.key, "c1").await;
    site.ca.lose_answer(0);
    tokio::select! {
        prepared = site.app.prepare_mesh(&site.key, Thorough::Due) => unreachable!("{prepared:?}"),
        () = site.ca.lost() => {}
    }
    assert_eq!(site.edges().await, []);
    assert_eq!(site.prepared().await, ["c1"]);
    site.another()
        .prepare_mesh(&site.key, Thorough::Due)
        .await
        .unwrap();
    assert!(site.prepared().await.is_empty());
    assert_eq!(site.manifests().await, []);
}

async fn the_loop_prepares_without_being_asked(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1", "c2"]).await;
    let cancellation = CancellationToken::new();
    let running = tokio::spawn(run_service_meshes(site.app.clone(), cancellation.clone()));
    eventually("both members are prepared", async || {
        let documents = site.documents().await;
        documents.len() == 2 && documents.iter().all(|found| found.document.is_complete())
    })
    .await;
    site.put_address("c1", "192.0.2.7").await;
    eventually("the other member is told", async || {
        site.told("c2", "c1").await.as_deref() == Some("192.0.2.7")
    })
    .await;
    let revoked = site
        .app
        .revoke_edge(&who(), &target_key(&site.key, "c1"))
        .await;
    revoked.unwrap();
    eventually("a revoked member gets another bundle", async || {
        let bundle = site.document("c1").await.bundle.unwrap();
        bundle.version.generation == 2
    })
    .await;
    cancellation.cancel();
    running.await.unwrap();
}

async fn a_deleted_cloud_leaves_nothing(world: World) {
    let site = Site::with(world, MeshMode::Istio, &["c1"]).await;
    site.prepare().await;
    site.app.terminate(&who(), &site.key).await.unwrap();
    site.world.make_absent(&site.key, "c1").await;
    let deleted = site.world.delete_cloud(&site.key).await.unwrap();
    assert_eq!(deleted, Deletion::Done);
    assert!(site.prepared().await.is_empty());
    assert_eq!(site.manifests().await, []);
    assert_eq!(site.prepare().await, Prepared::Done);
    assert!(site.prepared().await.is_empty());
}
