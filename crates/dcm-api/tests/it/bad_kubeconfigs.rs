//! Every bad kubeconfig of the table of `dcm-pki` (T1 to T6, T33) and every bad spelling of a server (T5),
//! uploaded over REST in both forms: refused with its field and its rule, without repeating a secret, and
//! nothing is stored.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bad_rows::everything;
use crate::kubeconfig_table::{Row, rows};
use crate::sample::{Sample, good};
use crate::server::{Answer, Server};

const CLUSTERS: &str = "/v2/cluster-providers/v/clusters";

/// Whether a fault of this field tells this rule.
fn tells(answer: &Answer, field: &str, rule: &str) -> bool {
    let problem: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let faults = problem["errors"].as_array().cloned().unwrap_or_default();
    let is_meant = |fault: &Value| {
        fault["field"] == field
            && fault["rule"]
                .as_str()
                .is_some_and(|told| told.contains(rule))
    };
    faults.iter().any(is_meant)
}

/// The field of a kubeconfig, within what holds it.
fn within(holder: &str, field: &str) -> String {
    match field {
        "kubeconfig" => holder.to_owned(),
        field => format!("{holder}.{field}"),
    }
}

async fn as_form(server: &Server, kubeconfig: &[u8]) -> Answer {
    let part = |name: &str| {
        format!(
            "--DCM-B\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n"
        )
    };
    let metadata = "{\"metadata\":{\"name\":\"bad\"}}\r\n";
    let body = [
        (part("metadata") + metadata + &part("file")).as_bytes(),
        kubeconfig,
        b"\r\n--DCM-B--\r\n",
    ]
    .concat();
    let headers = [("content-type", "multipart/form-data; boundary=DCM-B")];
    server.call(Method::POST, CLUSTERS, &headers, body).await
}

async fn as_json(server: &Server, kubeconfig: &str) -> Answer {
    let body = json!({"metadata": {"name": "bad"}, "spec": {"kubeconfig": kubeconfig}});
    server.post(CLUSTERS, body).await
}

#[tokio::test]
async fn every_bad_kubeconfig_is_refused_over_rest() {
    let (server, sample) = (Server::furnished().await, Sample::new());
    let before = everything(server.store.as_ref()).await;
    let mut wrong = Vec::new();
    for row in rows() {
        let bytes = row.bytes(&sample);
        let mut answers = vec![("file", as_form(&server, &bytes).await)];
        if let Ok(text) = std::str::from_utf8(&bytes) {
            answers.push(("spec.kubeconfig", as_json(&server, text).await));
        }
        for (holder, answer) in answers {
            let Row { field, rule, .. } = &row;
            // Nothing at all is refused before it is parsed.
            let rule = if bytes.is_empty() {
                "must not be empty"
            } else {
                rule
            };
            let meant = tells(&answer, &within(holder, field), rule);
            if answer.status != 400 || !meant {
                wrong.push(format!(
                    "{} {} {holder}: {answer:.700}",
                    row.threat, row.name
                ));
            }
            for secret in sample.secrets() {
                assert!(!answer.text.contains(&secret), "{}: a secret", row.name);
            }
        }
        assert_eq!(
            everything(server.store.as_ref()).await,
            before,
            "{}",
            row.name
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[derive(Deserialize)]
struct Spelling {
    url: String,
    accepted: Option<String>,
    policy: Option<String>,
    refused: Option<String>,
}

#[tokio::test]
async fn every_bad_server_is_refused_over_rest() {
    let (server, sample) = (Server::furnished().await, Sample::new());
    let before = everything(server.store.as_ref()).await;
    let table = include_str!("../../../dcm-pki/tests/data/servers.yaml");
    let spellings: Vec<Spelling> = serde_saphyr::from_str(table).unwrap();
    let frame = sample.fill(&good("$CA", "{token: $TOKEN}"));
    let mut count = 0;
    for spelling in spellings {
        let open = spelling
            .policy
            .as_deref()
            .is_none_or(|policy| policy == "open");
        if spelling.accepted.is_some() && open {
            continue;
        }
        let url = serde_json::to_string(&spelling.url).unwrap();
        let kubeconfig = frame.replace("\"https://192.0.2.10:6443\"", &url);
        let answer = as_json(&server, &kubeconfig).await;
        assert_eq!(answer.status, 400, "{url}: {answer}");
        // What the policy refuses concerns the whole: it is told where it is decided.
        let (field, rule) = match &spelling.refused {
            Some(rule) => ("spec.kubeconfig.clusters[0].cluster.server", rule.as_str()),
            None => ("spec.kubeconfig", ""),
        };
        assert!(tells(&answer, field, rule), "{url}: {answer}");
        count += 1;
    }
    assert!(count >= 40, "{count}");
    assert_eq!(everything(server.store.as_ref()).await, before);
}
