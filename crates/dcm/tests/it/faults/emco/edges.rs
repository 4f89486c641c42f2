//! Clusters and kubeconfigs that are not as they should be: F11 to F13, F15, F17.

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_testkit::kubesim::Signer;
use dcm_testkit::proxy::Mode;
use dcm_testkit::{ControlPlane, shared_control_planes};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::super::site::Edge;
use super::{proxied, says};
use crate::members::harness::{Folder, SETTINGS, SHORT, Server, labelled, member, namespace};

/// On a simulated cluster, whose signer lies; real ones whose signer a test plays are in `dcm-sync`.
#[tokio::test(flavor = "multi_thread")]
async fn emco_f11_a_certificate_for_another_key_is_not_taken() {
    let edge = Edge::start().await;
    let folder = Folder::with(SHORT);
    let server = folder.serve();
    folder.register_by(&server, &[edge.kubeconfig()]).await;
    let cloud = folder.describe(&server, "shop", "slice", 1).await;
    edge.member
        .controllers(|them| them.signer = Signer::OtherKey);
    folder.act(&server, &cloud, "instantiate").await;
    let mismatch = |view: &Value| says(view, 0, "CertificateMismatch");
    let view = folder.until(&server, &cloud, "refused", mismatch).await;
    assert_eq!(view["ready"], false);
    let path = format!("{cloud}/kubeconfig");
    let (status, text) = folder.send(&server, "GET", &path, None).await;
    assert!(!text.contains("client-certificate-data"), "{status} {text}");
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(edge.ours(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f12_a_strange_kubeconfig_is_refused_and_the_process_goes_on() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.register_by(&server, &[]).await;
    let complete = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:1" } }],
        "users": [{ "name": "u", "user": { "token": "x" } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
    });
    for list in ["clusters", "users", "contexts"] {
        for strange in [
            json!([]),
            json!(null),
            json!([null]),
            json!([{}]),
            json!("c"),
        ] {
            let mut kubeconfig = complete.clone();
            kubeconfig[list] = strange;
            let body = json!({
                "metadata": { "name": "odd" },
                "spec": { "kubeconfig": kubeconfig.to_string() },
            });
            let path = "cluster-providers/site/clusters";
            let (status, text) = folder.send(&server, "POST", path, Some(body)).await;
            assert_eq!(status, 400, "{kubeconfig}: {text}");
        }
    }
    assert_eq!(folder.send(&server, "GET", "projects", None).await.0, 200);
}

/// A kubeconfig with a token that opens nothing.
fn expired(plane: &ControlPlane) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{ "name": "c", "cluster": {
            "server": plane.server(),
            "certificate-authority-data": STANDARD.encode(plane.certificate_authority()),
        } }],
        "users": [{ "name": "u", "user": { "token": "it-was-good-once" } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f13_dead_and_expired_are_told_apart_and_asked_less_and_less() {
    let planes = shared_control_planes(2);
    let (proxy, dead) = proxied(&planes[0]);
    let patient = SETTINGS
        .replace("backoff_first = \"50ms\"", "backoff_first = \"200ms\"")
        .replace("backoff_cap = \"1s\"", "backoff_cap = \"1m\"")
        .replace("scan_interval = \"3s\"", "scan_interval = \"1h\"");
    let folder = Folder::with(&patient);
    let server = folder.serve();
    proxy.set(Mode::Reset);
    folder
        .register_by(&server, &[&dead, &expired(&planes[1])])
        .await;
    let name = namespace("f13");
    let cloud = folder.describe(&server, "shop", &name, 2).await;
    folder.act(&server, &cloud, "instantiate").await;
    let category = |view: &Value, number| member(view, number)["lastError"]["category"].clone();
    let told =
        |view: &Value| category(view, 0) == "unreachable" && category(view, 1) == "unauthorized";
    let view = folder.until(&server, &cloud, "told apart", told).await;
    for number in [0, 1] {
        let hint = &member(&view, number)["lastError"]["hint"];
        assert!(
            hint.as_str().is_some_and(|hint| !hint.is_empty()),
            "{view:#}"
        );
    }
    // Without pauses it would be hundreds, and one every two seconds for each cloud for ever.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let asked = proxy.connections();
    assert!(
        (1..=30).contains(&asked),
        "{asked} connections in some seconds"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f15_an_api_server_that_hangs_holds_up_nothing() {
    let planes = shared_control_planes(2);
    let (proxy, hanging) = proxied(&planes[0]);
    let folder = Folder::new();
    let mut server = folder.serve();
    folder
        .register_by(&server, &[&hanging, planes[1].kubeconfig()])
        .await;
    let name = namespace("f15");
    let cloud = folder.describe(&server, "shop", &name, 2).await;
    proxy.set(Mode::Hang);
    folder.act(&server, &cloud, "instantiate").await;
    let half = |view: &Value| {
        member(view, 0)["state"] == "unreachable" && member(view, 1)["state"] == "ready"
    };
    folder.until(&server, &cloud, "half ready", half).await;
    folder.act(&server, &cloud, "terminate").await;
    server.signal(Signal::TERM);
    let ended = server.ended().await;
    assert_eq!(
        ended.and_then(|status| status.code()),
        Some(0),
        "it ends well, and soon"
    );
    let server = folder.serve();
    proxy.set(Mode::Pass);
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(labelled(&planes[1], &name), Vec::<String>::new());
}

fn open_files(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f17_clients_that_cannot_be_made_leave_nothing_behind() {
    let plane = &shared_control_planes(2)[1];
    let (proxy, dead) = proxied(plane);
    proxy.set(Mode::Reset);
    let folder = Folder::with(SHORT);
    let temporary = folder.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dcm"));
    command
        .args(crate::members::harness::SERVE)
        .env("TMPDIR", &temporary);
    let server = folder.start(command);
    folder.register_by(&server, &[]).await;
    // Whatever is opened once stays open.
    assert_eq!(folder.send(&server, "GET", "projects", None).await.0, 200);
    let before = open_files(&server);
    let clusters = "cluster-providers/site/clusters";
    for number in 0..30 {
        let body = json!({
            "metadata": { "name": format!("edge{number}") }, "spec": { "kubeconfig": dead },
        });
        folder.post(&server, clusters, body).await;
    }
    let taken = Instant::now();
    while proxy.connections() < 60 {
        assert!(taken.elapsed() < Duration::from_mins(1), "they are tried");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for number in 0..30 {
        let path = format!("{clusters}/edge{number}");
        let (status, text) = folder.send(&server, "DELETE", &path, None).await;
        assert!((200..300).contains(&status), "{text}");
    }
    let deleted = Instant::now();
    while open_files(&server) > before + 8 {
        assert!(
            deleted.elapsed() < Duration::from_secs(30),
            "{before} files were open, now {}",
            open_files(&server)
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
