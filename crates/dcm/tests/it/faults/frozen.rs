//! SIGSTOP of the server for longer than all its deadlines, while the world goes on; then SIGCONT.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use dcm_testkit::kubesim::Effect;
use rustix::process::Signal;
use serde_json::Value;

use super::site::Edge;
use super::trap::{Point, Trap};
use crate::members::harness::{Folder, SERVE, SHORT, Server, member};

/// Longer than the deadlines of calls, runs and watches in the settings of these tests.
const LONG: Duration = Duration::from_secs(6);
const LIMITS: &str = "/api/v1/namespaces/slice/resourcequotas/limits";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/slice/rolebindings";

/// Stops the process at a call that takes effect, and whose answer it never hears.
fn freeze_at(server: &Server, edge: &Edge, point: Point) -> Trap {
    let trap = Trap::default();
    let who = (server.pid(), Signal::STOP);
    trap.set(&[&edge.member], (point, Effect::After), who);
    trap
}

async fn until_sprung(trap: &Trap) {
    let started = Instant::now();
    while !trap.is_sprung() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it was never frozen"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn hard(edge: &Edge) -> Value {
    edge.object(LIMITS).unwrap()["spec"]["hard"]["configmaps"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_process_wakes_and_makes_right_what_happened_meanwhile() {
    let edge = Edge::start().await;
    let folder = Folder::with(SHORT);
    let server = folder.serve();
    folder.register_by(&server, &[edge.kubeconfig()]).await;
    let cloud = folder.describe(&server, "shop", "slice", 1).await;

    let trap = freeze_at(&server, &edge, Point::Named("POST", "/rolebindings"));
    folder.act(&server, &cloud, "instantiate").await;
    until_sprung(&trap).await;
    // Nobody takes over what a frozen process holds.
    let second = Command::new(env!("CARGO_BIN_EXE_dcm"))
        .args(SERVE)
        .current_dir(folder.directory.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("in use by another process"), "{told}");
    edge.meddle("DELETE", LIMITS, &Value::Null);
    edge.meddle("DELETE", BINDINGS, &Value::Null);
    tokio::time::sleep(LONG).await;
    server.signal(Signal::CONT);
    folder.wait(&server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(&server, &cloud).await;
    assert!(edge.opens(&tenant, "slice"));
    assert_eq!(hard(&edge), "3");

    let trap = freeze_at(&server, &edge, Point::Named("PATCH", "/limits"));
    folder.limit(&server, &cloud, 5).await;
    folder.act(&server, &cloud, "update").await;
    until_sprung(&trap).await;
    edge.meddle("DELETE", BINDINGS, &Value::Null);
    tokio::time::sleep(LONG).await;
    server.signal(Signal::CONT);
    folder.wait(&server, &cloud, "ready").await;
    assert!(edge.opens(&tenant, "slice"));
    assert_eq!(hard(&edge), "5");

    let trap = freeze_at(&server, &edge, Point::Named("DELETE", ""));
    folder.act(&server, &cloud, "terminate").await;
    until_sprung(&trap).await;
    tokio::time::sleep(LONG).await;
    server.signal(Signal::CONT);
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(edge.ours(), [""; 0]);
    edge.check_what_was_written();
}

/// Another folder with the same store and key, as of now.
fn copied(folder: &Folder) -> Folder {
    let copy = Folder::with(SHORT);
    let (from, to) = (folder.path("data"), copy.path("data"));
    copy_files(&from, &to);
    copy
}

pub(super) fn copy_files(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for name in ["dcm.sqlite", "dcm.sqlite-wal", "key"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_process_that_wakes_does_not_go_back() {
    let edge = Edge::start().await;
    let old = Folder::with(SHORT);
    let frozen = old.serve();
    old.register_by(&frozen, &[edge.kubeconfig()]).await;
    let cloud = old.describe(&frozen, "shop", "slice", 1).await;
    old.act(&frozen, &cloud, "instantiate").await;
    old.wait(&frozen, &cloud, "ready").await;
    let trap = freeze_at(&frozen, &edge, Point::Named("PATCH", "/limits"));
    old.limit(&frozen, &cloud, 4).await;
    assert_eq!(old.act(&frozen, &cloud, "update").await, 2);
    until_sprung(&trap).await;

    // Somebody takes the frozen one for dead, and starts another one on a copy of its data.
    let new = copied(&old);
    let server = new.serve();
    new.wait(&server, &cloud, "ready").await;
    new.limit(&server, &cloud, 7).await;
    assert_eq!(new.act(&server, &cloud, "update").await, 3);
    new.wait(&server, &cloud, "ready").await;
    assert_eq!(hard(&edge), "7");
    let before = edge.member.journal().entries().len();

    frozen.signal(Signal::CONT);
    let is_ahead = |view: &Value| member(view, 0)["lastError"]["category"] == "ahead";
    let view = old.until(&frozen, &cloud, "ahead", is_ahead).await;
    assert_eq!(view["ready"], false);
    assert_eq!(hard(&edge), "7");
    for entry in edge.member.journal().entries().split_off(before) {
        assert_ne!(entry.after["kind"], "ResourceQuota", "{entry:#?}");
    }
    drop(frozen);
    let view = new.wait(&server, &cloud, "ready").await;
    assert_eq!(view["generation"]["wanted"], 3);
    new.act(&server, &cloud, "terminate").await;
    new.wait(&server, &cloud, "absent").await;
    assert_eq!(edge.ours(), [""; 0]);
}
