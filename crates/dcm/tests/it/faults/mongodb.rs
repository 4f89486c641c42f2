//! The whole program with its documents in MongoDB: the golden path, a kill in the middle, a second process, a password.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use dcm_testkit::{MongoServer, mongodb};

use super::site::Edge;
use crate::members::harness::{Folder, SERVE, SHORT, done, read};

/// What must stand in no file and no line but the one that is meant for it.
const PASSWORD: &str = "canary-of-the-store";

/// A server, and a folder whose settings name it in a file.
async fn folder() -> (MongoServer, Folder) {
    let starting = tokio::task::spawn_blocking(|| MongoServer::start(mongodb::Settings::default()));
    let server = starting.await.unwrap().unwrap();
    let store = "[store]\nbackend = \"mongodb\"\nuri_file = \"uri\"\ncollection = \"clouds\"\n";
    let folder = Folder::with(&format!("{store}{SHORT}"));
    std::fs::write(folder.path("uri"), format!("{}\n", server.uri())).unwrap();
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.path("uri"), private).unwrap();
    (server, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_lives_and_ends_with_its_documents_in_mongodb() {
    let edge = Edge::start().await;
    let (_database, folder) = folder().await;
    let server = folder.serve();
    folder.register_by(&server, &[edge.kubeconfig()]).await;
    let cloud = folder.describe(&server, "shop", "slice", 1).await;
    folder.act(&server, &cloud, "instantiate").await;
    folder.wait(&server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(&server, &cloud).await;
    assert!(edge.opens(&tenant, "slice"));
    assert!(!folder.path("data/dcm.sqlite").exists());
    assert!(folder.path("data/key").exists());

    // A second process is kept out as long as the first one lives, and goes on where it was killed.
    let second = Command::new(env!("CARGO_BIN_EXE_dcm"))
        .args(SERVE)
        .current_dir(folder.directory.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        told.contains("another `dcm serve` uses this store"),
        "{told}"
    );
    drop(server);
    let server = folder.serve();
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
    assert!(!edge.opens(&tenant, "slice"));
    edge.check_what_was_written();
}

#[test]
fn a_password_of_the_store_is_neither_shown_nor_told() {
    let settings = "[store]\nbackend = \"mongodb\"\nuri_file = \"uri\"\n";
    let folder = Folder::with(settings);
    let uri = format!("mongodb://dcm:{PASSWORD}@127.0.0.1:1/?serverSelectionTimeoutMS=300");
    std::fs::write(folder.path("uri"), uri).unwrap();
    let dcm = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcm"));
        command.current_dir(folder.directory.path()).env_clear();
        command
    };
    let shown = done(dcm().args(["config", "show", "--config", "dcm.toml"]));
    assert!(
        shown.contains("uri_file = \"uri\"") && !shown.contains(PASSWORD),
        "{shown}"
    );

    let serve = |mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path("uri"), mode).unwrap();
        let output = dcm().args(SERVE).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains(PASSWORD), "{told}");
        told
    };
    assert!(serve(0o644).contains("chmod 600"));
    assert!(serve(0o600).contains("open collection dcm.dcm"));
    assert!(!read(&folder.path("log")).contains(PASSWORD));

    let set = format!("mongodb://dcm:{PASSWORD}@127.0.0.1");
    let refused = dcm()
        .args(["config", "show", "--config", "dcm.toml"])
        .env("DCM__STORE__URI", set)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("'store.uri' must hold no password"), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");
}
