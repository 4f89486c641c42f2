//! Users who keep their key: it is made beside the command line or with `openssl`, opens a real cluster, and
//! stands in no file and no answer of the server. A revocation asks for another one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_testkit::{ControlPlane, shared_control_planes};
use serde_json::{Value, json};

use super::canary::{files, lines_of};
use super::harness::{Folder, Server, done, namespace};

const CLOUD: [&str; 4] = ["-p", "keep", "-c", "front"];

fn command(folder: &Folder, server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcm"));
    command
        .args(arguments)
        .args(["--server", &server.url])
        .current_dir(folder.directory.path());
    command
}

fn dcm(folder: &Folder, server: &Server, arguments: &[&str]) -> String {
    done(&mut command(folder, server, arguments))
}

/// What a command that must fail tells.
fn refused(folder: &Folder, server: &Server, arguments: &[&str]) -> String {
    let output = command(folder, server, arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn text(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path(name)).unwrap()
}

/// `openssl` as whoever keeps a key uses it.
fn openssl_request(folder: &Folder, key: &str, subject: &str) {
    let mut command = Command::new("openssl");
    let arguments = [
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
    ];
    command
        .args(arguments)
        .args(["-subj", subject, "-out", "request.pem"])
        .current_dir(folder.directory.path());
    done(&mut command);
}

async fn get(folder: &Folder, server: &Server, path: &str) -> Value {
    let (status, text) = folder.send(server, "GET", path, None).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Waits until the member says that it waits for a request; gives the message.
async fn waits(folder: &Folder, server: &Server, cloud: &str) -> String {
    let started = Instant::now();
    loop {
        let status = get(folder, server, &format!("{cloud}/status")).await;
        let conditions = status["members"][0]["conditions"].as_array().cloned();
        let found = conditions.into_iter().flatten().find(|condition| {
            condition["reason"] == "WaitsForSigningRequest" && condition["status"] == "blocked"
        });
        if let Some(found) = found {
            return found["message"].as_str().unwrap().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{status:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn add_user(folder: &Folder, server: &Server, cloud: &str, user: &str) {
    let permission = json!({
        "metadata": { "name": format!("for-{user}") },
        "spec": { "user": user, "apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"] },
    });
    let permissions = format!("{cloud}/user-permissions");
    folder.post(server, &permissions, permission).await;
}

/// The kubeconfig of a user with the key put in, and whether it opens the cluster.
fn opens(folder: &Folder, server: &Server, plane: &ControlPlane, who: [&str; 2]) -> bool {
    let [user, key] = who;
    let fetch = ["kubeconfig", "front", "-p", "keep", "--user", user];
    let bare = dcm(folder, server, &fetch);
    assert!(!bare.contains("client-key"), "the server has no key");
    let with_key = [&fetch[..], &["--client-key", key, "-o", "opened"]].concat();
    dcm(folder, server, &with_key);
    let mode = std::fs::metadata(folder.path("opened"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let opened = text(folder, "opened");
    std::fs::remove_file(folder.path("opened")).unwrap();
    opened_by(folder, plane, &opened)
}

fn opened_by(folder: &Folder, plane: &ControlPlane, kubeconfig: &str) -> bool {
    let (ok, text) = folder.kubectl_as(plane, kubeconfig, &["get", "configmaps"]);
    assert!(ok || text.contains("orbidden"), "{text}");
    ok
}

/// A kubeconfig that asks `dcm` for the certificate, and takes the key from its file.
fn opens_by_plugin(folder: &Folder, server: &Server, plane: &ControlPlane, who: [&str; 2]) {
    let [user, key] = who;
    let make = [
        "kubeconfig",
        "front",
        "-p",
        "keep",
        "--exec",
        "--user",
        user,
        "--client-key",
        key,
        "-o",
        "plugin",
    ];
    dcm(folder, server, &make);
    assert!(!text(folder, "plugin").contains("client-key-data"));
    let bin = Path::new(env!("CARGO_BIN_EXE_dcm")).parent().unwrap();
    let mut kubectl = plane.kubectl();
    kubectl
        .env("PATH", bin)
        .env("DCM_CREDENTIAL_CACHE", folder.path("kept"))
        .env("KUBECONFIG", folder.path("plugin"))
        .arg("--kubeconfig")
        .arg(folder.path("plugin"))
        .args(["get", "configmaps"]);
    done(&mut kubectl);
}

/// Characteristic parts of the keys stand in nothing that the server wrote.
fn assert_kept(folder: &Folder, keys: &[String]) {
    let mut found = Vec::new();
    files(&folder.path("data"), &mut found);
    files(&folder.path("kept"), &mut found);
    found.push(folder.path("log"));
    assert!(found.iter().any(|path| path.ends_with("dcm.sqlite")));
    let mut secrets: Vec<String> = keys.iter().flat_map(|key| lines_of(key)).collect();
    secrets.extend(keys.iter().map(|key| STANDARD.encode(key)));
    assert!(secrets.len() > keys.len(), "the keys were found");
    for path in &found {
        let bytes = std::fs::read(path).unwrap();
        for secret in &secrets {
            let mut windows = bytes.windows(secret.len());
            let leaks = windows.any(|window| window == secret.as_bytes());
            assert!(!leaks, "a key stands in {}", path.display());
        }
    }
}

/// Bob learns the subject, and gives a request that he made with `openssl`.
async fn give_own_request(folder: &Folder, server: &Server, cloud: &str) {
    let bob = get(folder, server, &format!("{cloud}/users/bob")).await;
    assert_eq!(bob["status"]["waitsFor"], "signing-request", "{bob:#}");
    let subject = bob["status"]["commonName"].as_str().unwrap().to_owned();
    let message = waits(folder, server, cloud).await;
    assert!(
        message.contains(&format!("user bob with the subject CN={subject}")),
        "{message}"
    );
    // What is for somebody else is refused, and says for whom it must be.
    openssl_request(folder, "bob.key", "/CN=dcm:somebody");
    let give = [
        &["user", "request", "bob", "--csr", "request.pem"][..],
        &CLOUD,
    ]
    .concat();
    let told = refused(folder, server, &give);
    assert!(
        told.contains(&format!("exactly the subject CN={subject}")),
        "{told}"
    );
    openssl_request(folder, "bob.key", &format!("/CN={subject}"));
    dcm(folder, server, &give);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_its_holder_keeps_opens_the_cluster_and_is_nowhere_else() {
    let plane = &shared_control_planes(2)[0];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let cloud = folder
        .describe(&server, "keep", &namespace("keep"), 1)
        .await;

    // One key is made by the command line, the other later with openssl.
    let make = ["user", "create", "ann", "--generate-key", "ann.key"];
    dcm(&folder, &server, &[&make[..], &CLOUD].concat());
    let mode = std::fs::metadata(folder.path("ann.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let make = ["user", "create", "bob", "--type", "signing-request"];
    dcm(&folder, &server, &[&make[..], &CLOUD].concat());
    add_user(&folder, &server, &cloud, "ann").await;
    add_user(&folder, &server, &cloud, "bob").await;
    folder
        .post(&server, &format!("{cloud}/instantiate"), json!({}))
        .await;

    give_own_request(&folder, &server, &cloud).await;
    folder.wait(&server, &cloud, "ready").await;
    assert!(opens(&folder, &server, plane, ["ann", "ann.key"]));
    assert!(opens(&folder, &server, plane, ["bob", "bob.key"]));
    opens_by_plugin(&folder, &server, plane, ["bob", "bob.key"]);
    let fetch = [
        "kubeconfig",
        "front",
        "-p",
        "keep",
        "--user",
        "ann",
        "--client-key",
        "bob.key",
    ];
    let told = refused(&folder, &server, &fetch);
    assert!(told.contains("not that of the certificate"), "{told}");

    // Another key counts at once, with no other action.
    let before = text(&folder, "ann.key");
    let next = ["user", "request", "ann", "--generate-key", "ann2.key"];
    dcm(&folder, &server, &[&next[..], &CLOUD].concat());
    let started = Instant::now();
    let fetch = [
        "kubeconfig",
        "front",
        "-p",
        "keep",
        "--user",
        "ann",
        "--client-key",
        "ann2.key",
    ];
    while !command(&folder, &server, &fetch)
        .output()
        .unwrap()
        .status
        .success()
    {
        assert!(started.elapsed() < Duration::from_secs(30));
    }
    assert!(opens(&folder, &server, plane, ["ann", "ann2.key"]));

    revoked_asks_for_another_key(&folder, &server, plane, &cloud).await;
    folder
        .post(&server, &format!("{cloud}/terminate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "absent").await;
    drop(server);
    let keys = ["ann2.key", "ann3.key", "bob.key"].map(|name| text(&folder, name));
    assert_kept(&folder, &[&keys[..], &[before]].concat());
}

async fn revoked_asks_for_another_key(
    folder: &Folder,
    server: &Server,
    plane: &ControlPlane,
    cloud: &str,
) {
    let fetch = [
        "kubeconfig",
        "front",
        "-p",
        "keep",
        "--user",
        "ann",
        "--client-key",
        "ann2.key",
    ];
    let old = dcm(folder, server, &fetch);
    assert!(opened_by(folder, plane, &old));
    dcm(
        folder,
        server,
        &[&["user", "revoke", "ann"][..], &CLOUD].concat(),
    );
    let message = waits(folder, server, cloud).await;
    let ann = get(folder, server, &format!("{cloud}/users/ann")).await;
    let subject = ann["status"]["commonName"].as_str().unwrap();
    assert!(
        message.contains(&format!("user ann with the subject CN={subject}")),
        "{message}"
    );
    let started = Instant::now();
    while opened_by(folder, plane, &old) {
        assert!(started.elapsed() < Duration::from_secs(30));
    }
    assert!(
        opens(folder, server, plane, ["bob", "bob.key"]),
        "others are as they were"
    );

    // The key that was revoked is not taken again, for whoever has it.
    let mut again = Command::new("openssl");
    again
        .args([
            "req",
            "-new",
            "-key",
            "ann2.key",
            "-out",
            "request.pem",
            "-subj",
        ])
        .arg(format!("/CN={subject}"))
        .current_dir(folder.directory.path());
    done(&mut again);
    let give = ["user", "request", "ann", "--csr", "request.pem"];
    let told = refused(folder, server, &[&give[..], &CLOUD].concat());
    assert!(told.contains("another key"), "{told}");
    let next = ["user", "request", "ann", "--generate-key", "ann3.key"];
    dcm(folder, server, &[&next[..], &CLOUD].concat());
    folder.wait(server, cloud, "ready").await;
    assert!(opens(folder, server, plane, ["ann", "ann3.key"]));
    assert!(!opened_by(folder, plane, &old));
}
