//! What a tenant may wish of a mesh, and what becomes of it in documents and revisions.

use dcm_app::{App, Error, Meshes, Precondition};
use dcm_types::Kind;
use dcm_types::ca::TrustModel;
use dcm_types::documents::{Level, LogicalCloud, MeshMode, MeshSpec};
use dcm_types::drafts::{LogicalCloudDraft, MeshDraft};

use super::site::{Counting, Site, meshes, wished};
use crate::world::{World, cloud_draft, cloud_key, kind, who};

fn draft(mesh: Option<MeshDraft>) -> LogicalCloudDraft {
    LogicalCloudDraft {
        mesh,
        ..cloud_draft("lc")
    }
}

async fn create(app: &App, mesh: Option<MeshDraft>) -> Result<LogicalCloud, Error> {
    let project = cloud_key("p", "lc").project;
    let saved = app
        .create_logical_cloud(&who(), &project, draft(mesh))
        .await;
    saved.map(|saved| saved.document.cloud)
}

async fn put(app: &App, mesh: Option<MeshDraft>) -> Result<Option<MeshSpec>, Error> {
    let key = cloud_key("p", "lc");
    let written = app
        .put_logical_cloud(&who(), &key, draft(mesh), Precondition::None)
        .await?;
    Ok(written.saved.document.cloud.mesh)
}

/// A server with another default.
fn usually(world: &World, default_mode: MeshMode) -> App {
    let meshes = Meshes {
        default_mode,
        ..meshes(&Counting::new("1"))
    };
    world.another_with(std::sync::Arc::new(world.controller()), meshes)
}

#[tokio::test]
async fn who_says_nothing_gets_what_the_server_gives_all() {
    for (usual, mesh, expected) in [
        (MeshMode::Off, None, None),
        (MeshMode::CaOnly, None, Some(MeshMode::CaOnly)),
        (MeshMode::Istio, None, Some(MeshMode::Istio)),
        (MeshMode::CaOnly, wished(MeshMode::Off), Some(MeshMode::Off)),
        (
            MeshMode::Off,
            wished(MeshMode::Istio),
            Some(MeshMode::Istio),
        ),
    ] {
        let world = World::in_memory();
        world.project("p").await;
        let cloud = create(&usually(&world, usual), mesh).await.unwrap();
        assert_eq!(cloud.mesh.map(|mesh| mesh.mode), expected, "{usual:?}");
    }
}

#[tokio::test]
async fn a_cloud_of_level_0_has_no_mesh() {
    let world = World::in_memory();
    world.project("p").await;
    let app = usually(&world, MeshMode::CaOnly);
    let admin = |mesh| LogicalCloudDraft {
        level: Level::Admin,
        ..draft(mesh)
    };
    let project = cloud_key("p", "lc").project;
    let asked = admin(wished(MeshMode::CaOnly));
    let refused = app.create_logical_cloud(&who(), &project, asked).await;
    assert_eq!(refused.unwrap_err().faults[0].field, "spec.mesh.mode");
    let created = app
        .create_logical_cloud(&who(), &project, admin(None))
        .await;
    assert_eq!(created.unwrap().document.cloud.mesh, None);
}

#[tokio::test]
async fn what_is_not_said_stays_and_name_and_trust_model_always_do() {
    let world = World::in_memory();
    world.project("p").await;
    let app = usually(&world, MeshMode::CaOnly);
    let root = |model| MeshDraft {
        trust_model: Some(model),
        ..MeshDraft::default()
    };
    let first = create(&app, Some(root(TrustModel::CloudRoot)))
        .await
        .unwrap();
    let first = first.mesh.unwrap();
    assert_eq!(put(&app, None).await.unwrap(), Some(first.clone()));
    let istio = put(&app, wished(MeshMode::Istio)).await.unwrap();
    let expected = MeshSpec {
        mode: MeshMode::Istio,
        ..first.clone()
    };
    assert_eq!(istio, Some(expected));
    let same = put(&app, Some(root(TrustModel::CloudRoot))).await.unwrap();
    assert_eq!(same, istio);
    let other = put(&app, Some(root(TrustModel::CloudIntermediate))).await;
    let refused = other.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert_eq!(refused.faults[0].field, "spec.mesh.trustModel");
    let off = put(&app, wished(MeshMode::Off)).await.unwrap().unwrap();
    assert_eq!((off.mode, off.name), (MeshMode::Off, first.name));
}

#[tokio::test]
async fn another_default_changes_no_cloud_that_is_there() {
    let world = World::in_memory();
    world.project("p").await;
    create(&world.app, None).await.unwrap();
    let app = usually(&world, MeshMode::CaOnly);
    assert_eq!(put(&app, None).await.unwrap(), None);
}

#[tokio::test]
async fn mode_istio_is_refused_where_no_control_plane_can_be_made() {
    let complete = meshes(&Counting::new("1"));
    for lacking in [
        Meshes::default(),
        Meshes {
            renderer: None,
            ..complete.clone()
        },
        Meshes {
            hub: String::new(),
            ..complete.clone()
        },
        Meshes {
            tag: "latest".to_owned(),
            ..complete
        },
    ] {
        let world = World::in_memory();
        world.project("p").await;
        let controller = std::sync::Arc::new(world.controller());
        let app = world.another_with(controller, lacking);
        let refused = create(&app, wished(MeshMode::Istio)).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid);
        assert_eq!(refused.faults[0].field, "spec.mesh.mode");
        assert!(refused.faults[0].hint.as_ref().unwrap().contains("[mesh]"));
        create(&app, None).await.unwrap();
        assert_eq!(
            kind(put(&app, wished(MeshMode::Istio)).await),
            Kind::Invalid
        );
        assert!(put(&app, wished(MeshMode::CaOnly)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_server_that_lost_its_renderer_refuses_an_update_and_still_revokes() {
    let site = Site::with(World::in_memory(), MeshMode::Istio, &["c1"]).await;
    let controller = std::sync::Arc::new(site.world.controller());
    let app = site.world.another_with(controller, Meshes::default());
    let refused = app.update(&who(), &site.key).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert_eq!(refused.faults[0].field, "spec.mesh.mode");
    let bob = dcm_types::UserName::parse("bob").unwrap();
    let revoked = app
        .revoke_user(&who(), &site.key, &bob, Precondition::None)
        .await;
    assert_eq!(revoked.unwrap().generation, 2);
    let mesh = site.world.revision(&site.key).await.slice.mesh.unwrap();
    assert_eq!(mesh.tag, "1.30.3");
}

#[tokio::test]
async fn images_are_frozen_where_there_is_a_control_plane_only() {
    for (mode, tag) in [(MeshMode::Istio, "1.30.3"), (MeshMode::CaOnly, "")] {
        let site = Site::with(World::in_memory(), mode, &["c1"]).await;
        let mesh = site.world.revision(&site.key).await.slice.mesh.unwrap();
        assert_eq!((mesh.mode, mesh.tag.as_str()), (mode, tag));
    }
    let site = Site::with(World::in_memory(), MeshMode::Off, &["c1"]).await;
    assert_eq!(site.world.revision(&site.key).await.slice.mesh, None);
    site.prepare().await;
    assert!(site.prepared().await.is_empty());
}
