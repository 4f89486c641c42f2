//! No secret outside its place: the administrator's key and token and the tenant's key appear in no log
//! at TRACE, in no answer but the kubeconfig's, and nowhere in the folder of the server.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dcm_testkit::shared_control_planes;
use serde_json::json;

use super::harness::{Folder, Server, namespace, read};

/// The forms in which a secret could leak.
fn forms(secret: &str) -> Vec<String> {
    let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        secret.replace('\n', "\\n"),
        hex,
    ]
}

/// Characteristic lines out of PEM: base64 of a key, as it would stand in any text.
pub(super) fn lines_of(pem: &str) -> Vec<String> {
    pem.lines()
        .filter(|line| !line.contains("-----") && line.len() > 30)
        .map(str::to_owned)
        .collect()
}

fn value<'a>(kubeconfig: &'a str, member: &str) -> &'a str {
    let at = kubeconfig
        .find(member)
        .unwrap_or_else(|| panic!("no {member}"));
    let rest = &kubeconfig[at + member.len()..];
    rest.trim_start_matches(['"', ':', ' '])
        .split(['"', '\n', ','])
        .next()
        .unwrap()
        .trim()
}

pub(super) fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// A token that a credential holds; it opens nothing, and must leak nothing either.
const CANARY: &str = "DCMCANARY-6c0a2f1e-admin-token";

/// Registers a cluster by that token, and tries to register a bad file that holds it; gives the answer
/// to the second.
async fn register_token(folder: &Folder, server: &Server) -> String {
    let plane = &shared_control_planes(2)[1];
    let with_token = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{ "name": "c", "cluster": {
            "server": plane.server(),
            "certificate-authority-data": STANDARD.encode(plane.certificate_authority()),
        } }],
        "users": [{ "name": "u", "user": { "token": CANARY } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
    })
    .to_string();
    let clusters = "cluster-providers/site/clusters";
    let body = json!({ "metadata": { "name": "token" }, "spec": { "kubeconfig": with_token } });
    folder.post(server, clusters, body).await;
    let refused = with_token.replace("\"token\"", "\"tokenFile\"");
    let body = json!({ "metadata": { "name": "bad" }, "spec": { "kubeconfig": refused } });
    let (status, text) = folder.send(server, "POST", clusters, Some(body)).await;
    assert_eq!(status, 400, "{text}");
    text
}

/// Every form of the token, and characteristic lines of the keys in the kubeconfigs.
fn secrets_of(kubeconfigs: &[&str]) -> Vec<String> {
    let mut secrets = forms(CANARY);
    for kubeconfig in kubeconfigs {
        let encoded = value(kubeconfig, "client-key-data").to_owned();
        let key = String::from_utf8(STANDARD.decode(&encoded).unwrap()).unwrap();
        secrets.extend(lines_of(&key));
        secrets.extend(forms(&key));
        secrets.push(encoded);
    }
    assert!(secrets.len() >= 12, "the keys were found");
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_appear_nowhere_but_in_the_kubeconfig_that_was_asked_for() {
    let planes = shared_control_planes(2);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[&planes[0]]).await;
    let mut answers = vec![register_token(&folder, &server).await];
    let name = namespace("canary");
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    folder
        .post(&server, &format!("{cloud}/instantiate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(&server, &cloud).await;
    for path in [
        "projects",
        "cluster-providers/site/clusters",
        "cluster-providers/site/clusters/token",
        &cloud,
        &format!("{cloud}/status"),
        &format!("{cloud}/cluster-references"),
        &format!("{cloud}/cluster-providers/site/cluster-references"),
        "../metrics",
        "../readyz",
        "openapi.json",
    ] {
        answers.push(folder.send(&server, "GET", path, None).await.1);
    }
    folder
        .post(&server, &format!("{cloud}/terminate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "absent").await;
    drop(server);

    let secrets = secrets_of(&[tenant.as_str(), planes[0].kubeconfig()]);
    let log = read(&folder.path("log"));
    assert!(log.contains("TRACE"), "the log is at its most talkative");
    let mut found = Vec::new();
    files(folder.directory.path(), &mut found);
    assert!(
        found.iter().any(|path| path.ends_with("dcm.sqlite")),
        "{found:?}"
    );
    for secret in &secrets {
        for path in &found {
            let bytes = std::fs::read(path).unwrap();
            let leaks = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(
                !leaks,
                "a secret ({:.6}...) stands in {}",
                secret,
                path.display()
            );
        }
        for answer in &answers {
            assert!(
                !answer.contains(secret.as_str()),
                "a secret stands in an answer: {answer:.200}"
            );
        }
    }
}
