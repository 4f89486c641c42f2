//! The CA controller of a server that runs, asked over its socket.

use std::path::Path;

use dcm_rpc::Client;
use dcm_testkit::issuer::Signer;
use dcm_types::ca::{AuthorityScope, CaBundle, Evidence, EvidenceStage, Requester};
use dcm_types::ca::{CaController, RotationKind, StartRotation};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, Kind, ProjectName, ProviderName, TargetKey,
};
use serde_json::json;

use crate::environment::{Environment, mode};

pub(crate) fn target() -> TargetKey {
    TargetKey {
        cloud: CloudKey {
            project: ProjectName::parse("acme").unwrap(),
            cloud: CloudName::parse("shop").unwrap(),
        },
        cluster: ClusterKey {
            provider: ProviderName::parse("edge").unwrap(),
            cluster: ClusterName::parse("near").unwrap(),
        },
    }
}

fn requester() -> Requester {
    Requester {
        principal: "alice".to_owned(),
        origin: String::new(),
        request: "request-1".to_owned(),
    }
}

async fn create(url: &str, path: &str, body: serde_json::Value) {
    let client = reqwest::Client::new();
    let answer = client.post(format!("{url}{path}")).json(&body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 201, "{path}");
}

pub(crate) async fn create_cloud(url: &str) {
    create(url, "/v2/projects", json!({"metadata": {"name": "acme"}})).await;
    let cloud = json!({"metadata": {"name": "shop"}, "spec": {"user": {"userName": "u"}}});
    create(url, "/v2/projects/acme/logical-clouds", cloud).await;
}

async fn loaded(ca: &Client, bundle: &CaBundle) {
    let evidence = Evidence {
        target: bundle.target.clone(),
        cloud_uid: bundle.cloud_uid,
        version: bundle.version,
        stage: EvidenceStage::Loaded,
    };
    ca.report_evidence(&evidence).await.unwrap();
}

fn seen(data: &Path, needle: &str) -> bool {
    let files = std::fs::read_dir(data).unwrap();
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        let mut windows = bytes.windows(needle.len());
        windows.any(|window| window == needle.as_bytes())
    };
    files
        .map(|file| file.unwrap().path())
        .any(|path| holds(&path))
}

#[tokio::test]
async fn a_bundle_is_got_over_the_socket_and_is_the_same_after_a_restart() {
    let mut environment = Environment::new();
    let socket = environment.path("run/ca.sock");
    let config = format!(
        "[ca]\norganization = 'Acme'\nsocket = '{}'\n",
        socket.display()
    );
    let config = environment.write("dcm.toml", &config);
    let arguments = ["--config", config.to_str().unwrap()];
    let server = environment.serve_with(&arguments);
    assert_eq!(mode(&socket), 0o600);
    let ca = Client::new(&socket);
    let refused = ca.ensure_bundle(&target()).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound, "{}", refused.message);
    create_cloud(&server.url).await;

    let bundle = ca.ensure_bundle(&target()).await.unwrap();
    loaded(&ca, &bundle).await;
    let scope = AuthorityScope::Cloud(target().cloud);
    let authority = ca.show(&scope).await.unwrap();
    assert!(
        authority.anchors[0].subject.contains("Acme"),
        "{authority:?}"
    );
    let start = StartRotation {
        cloud: target().cloud,
        kind: RotationKind::Anchor,
        dry_run: true,
    };
    let would = ca.start_rotation(&start, &requester()).await.unwrap();
    assert!(would.dry_run && would.members == 1, "{would:?}");
    assert_eq!(ca.verify_audit(&scope).await.unwrap().bad, vec![]);

    let (code, _, log) = server.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(!socket.exists());
    let line = bundle.key.expose().lines().nth(1).unwrap().to_owned();
    assert!(!log.contains(&line) && !seen(&environment.path("data"), &line));

    let _server = environment.serve_with(&arguments);
    let again = ca.ensure_bundle(&target()).await.unwrap();
    assert_eq!(again.version, bundle.version);
    assert_eq!(again.key.expose(), bundle.key.expose());
}

#[test]
fn a_socket_that_others_can_reach_is_refused_at_the_start() {
    let environment = Environment::new();
    let folder = environment.path("open");
    std::fs::create_dir(&folder).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&folder, open).unwrap();
    let socket = folder.join("ca.sock").display().to_string();
    let outcome = environment.dcm_with(
        &["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"],
        &[("DCM__CA__SOCKET", &socket)],
    );
    assert_eq!(outcome.code, 1, "{}", outcome.shown());
    assert!(outcome.stderr.contains("chmod 700"), "{}", outcome.shown());
}

#[tokio::test]
async fn commands_show_rotate_revoke_and_verify() {
    let mut environment = Environment::new();
    let socket = environment.path("run/ca.sock");
    let config = format!("[ca]\nsocket = '{}'\n", socket.display());
    let config = environment.write("dcm.toml", &config);
    let server = environment.serve_with(&["--config", config.to_str().unwrap()]);
    create_cloud(&server.url).await;
    let ca = |arguments: &[&str]| {
        let fixed = ["ca"].iter().chain(arguments).copied();
        environment.dcm(&fixed.collect::<Vec<_>>())
    };
    let of_cloud = ["shop", "--project", "acme"];
    let missing = ca(&[&["show"], &of_cloud[..]].concat());
    assert_eq!(missing.code, 1, "{}", missing.shown());
    let usage = ca(&["show", "shop"]);
    assert_eq!(usage.code, 2, "{}", usage.shown());
    Client::new(&socket).ensure_bundle(&target()).await.unwrap();

    let shown = ca(&[&["show"], &of_cloud[..]].concat()).done().stdout;
    assert!(
        shown.contains("edge/near") && shown.contains("issued"),
        "{shown}"
    );
    let rotate = [&["rotate"], &of_cloud[..], &["--kind", "anchor"]].concat();
    let would = ca(&[&rotate[..], &["--dry-run"]].concat()).done().stdout;
    assert!(would.contains("would be rotation 1"), "{would}");
    assert!(would.contains("waits for edge/near"), "{would}");
    let begun = ca(&rotate).done().stdout;
    assert!(begun.starts_with("rotation 1 of anchor"), "{begun}");
    assert_eq!(ca(&rotate).code, 1);
    ca(&[&["abort"], &of_cloud[..]].concat()).done();
    let last = ca(&[&["rotation"], &of_cloud[..], &["-o", "json"]].concat()).done();
    assert_eq!(last.json()["number"], 1);
    let revoked = ca(&[&["revoke"], &of_cloud[..], &["edge/near"]].concat()).done();
    assert!(revoked.stdout.contains("revoked"), "{}", revoked.shown());
    let verified = ca(&[&["audit", "verify"], &of_cloud[..]].concat()).done();
    assert!(
        verified.stdout.contains("chain(s) verified"),
        "{}",
        verified.shown()
    );
    let asked = ca(&["csr", "-o", "json"]).done();
    assert!(asked.json()["askedAt"].is_string(), "{}", asked.shown());
}

#[tokio::test]
async fn an_authority_is_imported_and_a_request_answered_out_of_files() {
    let mut environment = Environment::new();
    let server = environment.serve_with(&[]);
    create_cloud(&server.url).await;
    let signer = Signer::new("others root");
    let certificate = environment.write("root.pem", &signer.certificate);
    let key = environment.write("root.key", &signer.key);
    let other = environment.write("other.key", &Signer::new("others root").key);
    let ca = |arguments: &[&str]| {
        let fixed = ["ca"].iter().chain(arguments).copied();
        environment.dcm(&fixed.collect::<Vec<_>>())
    };
    let import = |key: &Path| {
        let files = ["--certificate", certificate.to_str().unwrap()];
        ca(&[&["import"], &files[..], &["--key", key.to_str().unwrap()]].concat())
    };
    let refused = import(&other);
    assert_eq!(refused.code, 1, "{}", refused.shown());
    let rule = "must be the key of the certificate";
    assert!(refused.stderr.contains(rule), "{}", refused.shown());
    let taken = import(&key).done().stdout;
    assert!(taken.contains("CN=others root"), "{taken}");

    let of_cloud = ["shop", "--project", "acme"];
    let request = loop {
        let asked = ca(&[&["csr"], &of_cloud[..]].concat()).done().stdout;
        if !asked.is_empty() {
            break asked;
        }
    };
    let answer = signer.answer(&request).unwrap();
    let alone = environment.write("alone.pem", &answer);
    let whole = environment.write("whole.pem", &(answer + &signer.certificate));
    let install =
        |file: &Path| ca(&[&["install-signed", file.to_str().unwrap()], &of_cloud[..]].concat());
    let refused = install(&alone);
    assert_eq!(refused.code, 1, "{}", refused.shown());
    let installed = install(&whole).done().stdout;
    assert!(installed.contains("shop mesh CA"), "{installed}");
}
