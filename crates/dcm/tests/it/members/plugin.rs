//! `dcm credential` under a real `kubectl`: a kubeconfig that renews itself, also over a revocation.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use dcm_testkit::{ControlPlane, shared_control_planes};
use serde_json::json;

use super::harness::{Folder, Server, done, namespace};

fn dcm(folder: &Folder, server: &Server, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcm"));
    command
        .args(arguments)
        .args(["--server", &server.url])
        .current_dir(folder.directory.path());
    done(&mut command)
}

/// `kubectl` as somebody has it who has `dcm` in the path, and keeps credentials in a folder.
fn kubectl(folder: &Folder, plane: &ControlPlane, arguments: &[&str]) -> (bool, String) {
    let bin = Path::new(env!("CARGO_BIN_EXE_dcm")).parent().unwrap();
    let mut command = plane.kubectl();
    let output = command
        .env("PATH", bin)
        .env("DCM_CREDENTIAL_CACHE", folder.path("kept"))
        .env("KUBECONFIG", folder.path("self-renewing"))
        .arg("--kubeconfig")
        .arg(folder.path("self-renewing"))
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_with_a_plugin_renews_itself() {
    let plane = &shared_control_planes(2)[0];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("plugin");
    let cloud = folder.describe(&server, "plug", &name, 1).await;
    let robot = json!({ "metadata": { "name": "robot" }, "spec": { "type": "service-account" } });
    folder.post(&server, &format!("{cloud}/users"), robot).await;
    let permission = json!({
        "metadata": { "name": "for-robot" },
        "spec": { "user": "robot", "apiGroups": [""], "resources": ["secrets"], "verbs": ["list"] },
    });
    let permissions = format!("{cloud}/user-permissions");
    folder.post(&server, &permissions, permission).await;
    folder
        .post(&server, &format!("{cloud}/instantiate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "ready").await;

    let of_robot = ["--user", "robot"];
    for (user, resource, other) in [
        (&[][..], "configmaps", "secrets"),
        (&of_robot[..], "secrets", "configmaps"),
    ] {
        let make = [
            "kubeconfig",
            "front",
            "-p",
            "plug",
            "--exec",
            "-o",
            "self-renewing",
        ];
        dcm(&folder, &server, &[&make[..], user].concat());
        let text = std::fs::read_to_string(folder.path("self-renewing")).unwrap();
        assert!(!text.contains("client-key-data") && !text.contains("token"));
        let (ok, text) = kubectl(&folder, plane, &["get", resource]);
        assert!(ok, "{text}");
        let (ok, text) = kubectl(&folder, plane, &["get", other]);
        assert!(!ok && text.contains("orbidden"), "{text}");

        // What is revoked is renewed without touching the kubeconfig. What was kept goes first: it would be
        // shown for some minutes.
        let who = if user.is_empty() { "alice" } else { "robot" };
        let revoke = ["user", "revoke", who, "-p", "plug", "-c", "front", "--wait"];
        dcm(&folder, &server, &revoke);
        let (ok, text) = kubectl(&folder, plane, &["get", resource]);
        assert!(!ok && text.contains("orbidden"), "{text}");
        for file in std::fs::read_dir(folder.path("kept")).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::remove_file(file.path()).unwrap();
        }
        let (ok, text) = kubectl(&folder, plane, &["get", resource]);
        assert!(ok, "{text}");
    }

    // The server is away: what is kept does.
    drop(server);
    let (ok, text) = kubectl(&folder, plane, &["get", "secrets"]);
    assert!(ok, "{text}");
}
