//! The keys of authorities go in over REST, and those of edges out over gRPC: they are seen nowhere else, not in a file of
//! the store, an answer, an error, the log at its finest, or a span.

use std::fs::{self, File};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_rpc::Client;
use dcm_testkit::issuer::Signer;
use dcm_types::ca::CaController as _;
use serde_json::{Value, json};

use crate::authorities::{create_cloud, target};
use crate::environment::Environment;
use crate::traces::{Collector, text};

/// Every form in which the bytes of a key could be seen.
fn forms(pem: &str) -> Vec<Vec<u8>> {
    let lines: Vec<&str> = pem
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let body = lines.concat();
    let der = STANDARD.decode(&body).unwrap();
    // PKCS#8 of P-256: the private scalar stands there.
    let scalar = der[36..68].to_vec();
    let mut forms: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    // The last line holds the end of the public key, which is no secret.
    forms.pop();
    forms.extend([
        hex(&scalar).into_bytes(),
        hex(&scalar).to_uppercase().into_bytes(),
        format!("{scalar:?}")
            .trim_matches(['[', ']'])
            .as_bytes()
            .to_vec(),
        STANDARD.encode(&scalar).into_bytes(),
        STANDARD.encode(pem).as_bytes()[..64].to_vec(),
        scalar,
    ]);
    forms
}

fn hex(bytes: &[u8]) -> String {
    let each: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    each.concat()
}

fn assert_nowhere(place: &str, bytes: &[u8], keys: &[Vec<Vec<u8>>]) {
    for (number, form) in keys.iter().flatten().enumerate() {
        let found = bytes.windows(form.len()).any(|window| window == form);
        assert!(!found, "form {number} of a key is in {place}");
    }
}

async fn post(url: &str, path: &str, body: &Value) -> (u16, String) {
    let client = reqwest::Client::new();
    let answer = client
        .post(format!("{url}{path}"))
        .json(body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn read(url: &str, path: &str) -> String {
    let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
    answer.text().await.unwrap()
}

/// Bodies that are refused although, or because, they hold a key.
fn refused(root: &Signer, other: &Signer) -> Vec<Value> {
    let (certificate, key) = (&root.certificate, &root.key);
    vec![
        json!({"certificate": certificate, "key": other.key}),
        json!({"certificate": key, "key": key}),
        json!({"certificate": certificate, "key": [key]}),
        json!({"certificate": certificate, "chain": key, "key": key}),
        json!({"certificate": certificate, "key": format!("{key}{key}")}),
        json!({"certificate": certificate, "key": key, "anchorFingerprint": key}),
        json!({"certificate": certificate, "key": key.replace("-----END", "----END")}),
        json!({"certificate": certificate, key: key}),
        json!(key),
    ]
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect()
}

#[tokio::test]
async fn keys_of_authorities_and_edges_are_seen_nowhere_else() {
    let collector = Collector::start();
    let mut environment = Environment::new();
    let socket = environment.path("run/ca.sock");
    let settings = format!(
        "[ca]\nsocket = '{}'\n[log]\nlevel = 'trace'\n[traces]\nendpoint = '{}'\n",
        socket.display(),
        collector.endpoint
    );
    let settings = environment.write("dcm.toml", &settings);
    let log = environment.path("log.txt");
    let arguments = ["--config", settings.to_str().unwrap()];
    let server = environment.serve_logging_to(&arguments, File::create(&log).unwrap());
    create_cloud(&server.url).await;
    let (root, other) = (Signer::new("canary root"), Signer::new("other root"));

    let mut answers = Vec::new();
    for body in refused(&root, &other) {
        let (status, text) = post(&server.url, "/v2/ca/import", &body).await;
        assert!((400..500).contains(&status), "{status}");
        answers.push(text);
    }
    let good = json!({"certificate": root.certificate, "key": root.key});
    let (status, taken) = post(&server.url, "/v2/ca/import", &good).await;
    assert_eq!(status, 200, "{taken}");
    answers.push(taken);
    let bundle = Client::new(&socket).ensure_bundle(&target()).await.unwrap();
    let cloud = "/v2/projects/acme/logical-clouds/shop";
    for path in [
        "/v2/ca".to_owned(),
        "/v2/ca/audit".to_owned(),
        format!("{cloud}/ca"),
        format!("{cloud}/ca/audit"),
        format!("{cloud}/status"),
        "/metrics".to_owned(),
        "/v2/sync/status".to_owned(),
    ] {
        answers.push(read(&server.url, &path).await);
    }
    let (_, spans) = collector.until(|span| text(span, "route").contains("/sync/status"));

    let keys = [root.key.as_str(), &other.key, bundle.key.expose()].map(forms);
    let stored = files(&environment.path("data"));
    let names: Vec<&str> = stored.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.iter().any(|name| name.ends_with("-wal")), "{names:?}");
    for (name, bytes) in &stored {
        assert_nowhere(name, bytes, &keys);
    }
    for answer in &answers {
        assert_nowhere(answer, answer.as_bytes(), &keys);
    }
    assert_nowhere("a span", &spans, &keys);
    let (code, ..) = server.terminate();
    assert_eq!(code, 0);
    let log = fs::read(&log).unwrap();
    assert!(log.len() > 10_000, "the log is not that of everything");
    assert_nowhere("the log", &log, &keys);
    for (name, bytes) in files(&environment.path("data")) {
        assert_nowhere(&name, &bytes, &keys);
    }
}
