//! The canary: a credential that goes in never comes out, not in an answer and not in the log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{CANARY, CLOUD, KUBECONFIG, Server, new_cluster};

/// Collects the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn answers(server: &Server) -> Vec<String> {
    let clusters = "/v2/cluster-providers/v/clusters";
    let broken = KUBECONFIG.replace("current-context: x", "current-context: nowhere");
    let broken = json!({"metadata": {"name": "c9"}, "spec": {"kubeconfig": broken}});
    let writes = [
        (Method::POST, clusters.to_owned(), new_cluster("c3")),
        (Method::POST, clusters.to_owned(), new_cluster("c3")),
        (Method::PUT, format!("{clusters}/c3"), new_cluster("c3")),
        (Method::PUT, format!("{clusters}/c4"), new_cluster("c4")),
        (
            Method::POST,
            format!("{clusters}?fieldValidation=Strict"),
            broken.clone(),
        ),
        (
            Method::POST,
            "/v2/cluster-providers/none/clusters".to_owned(),
            new_cluster("c"),
        ),
        (Method::POST, CLOUD.to_owned(), new_cluster("c")),
        (Method::POST, "/v2/projects".to_owned(), broken),
        (
            Method::POST,
            clusters.to_owned(),
            json!({"metadata": {"name": "x"}, "spec": {"kubeconfig": [KUBECONFIG]}}),
        ),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in writes {
        answers.push(server.call(method, &path, &[], body.to_string()).await.text);
    }
    let torn = new_cluster("c5").to_string();
    let torn = torn[..torn.len() - 10].to_owned();
    answers.push(server.call(Method::POST, clusters, &[], torn).await.text);
    for path in [
        clusters.to_owned(),
        format!("{clusters}/c1"),
        format!("{clusters}/c3"),
        "/v2/cluster-providers/v".to_owned(),
        format!("{CLOUD}/status"),
        format!("{CLOUD}/kubeconfig"),
        "/metrics".to_owned(),
    ] {
        for accept in [
            "application/json",
            "*/*",
            "application/octet-stream",
            "text/plain",
        ] {
            let headers = [("accept", accept)];
            answers.push(server.call(Method::GET, &path, &headers, "").await.text);
        }
    }
    answers
}

#[tokio::test]
async fn a_credential_is_in_no_answer_and_in_no_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // For all threads: what other tests log meanwhile is looked at too, and a subscriber of one thread
    // would miss what another thread registered first.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = Server::furnished().await;
    let answers = answers(&server).await;
    assert!(answers.len() > 30);
    for answer in answers {
        assert!(!answer.contains(CANARY), "{answer}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("request_id"),
        "the log was not collected: {log}"
    );
    assert!(!log.contains(CANARY), "{log}");
}
