//! The authorities of meshes over REST: shown without keys, rotated, revoked, requested, verified.

use dcm_types::ca::CaController as _;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, CLOUD, Server};
use crate::signer::{Signer, sample};

fn target(cluster: &str) -> TargetKey {
    TargetKey {
        cloud: CloudKey {
            project: ProjectName::parse("p").unwrap(),
            cloud: CloudName::parse("l").unwrap(),
        },
        cluster: ClusterKey {
            provider: ProviderName::parse("v").unwrap(),
            cluster: ClusterName::parse(cluster).unwrap(),
        },
    }
}

async fn with_bundles() -> Server {
    let server = Server::furnished().await;
    for cluster in ["c1", "c2"] {
        let bundle = server.authorities.ensure_bundle(&target(cluster)).await;
        assert_eq!(bundle.unwrap().version.generation, 1);
    }
    server
}

async fn act(server: &Server, path: &str, status: StatusCode) -> Value {
    let path = format!("{CLOUD}/ca/{path}");
    let answer = server.call(Method::POST, &path, &[], String::new()).await;
    assert_eq!(answer.status, status, "{path}: {answer}");
    answer.json()
}

async fn show(server: &Server, path: &str) -> Value {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer}");
    assert!(!answer.text.contains("PRIVATE KEY"), "{answer}");
    answer.json()
}

#[tokio::test]
async fn an_authority_is_shown_with_its_edges_and_without_keys() {
    let server = with_bundles().await;
    let shown = show(&server, &format!("{CLOUD}/ca")).await;
    assert_eq!(shown["trustModel"], "cloud-root");
    assert_eq!(shown["anchors"].as_array().unwrap().len(), 1);
    assert_eq!(shown["anchors"][0]["signs"], true);
    let edges = shown["bundles"].as_array().unwrap();
    let clusters: Vec<&Value> = edges.iter().map(|edge| &edge["cluster"]).collect();
    assert_eq!(clusters, ["c1", "c2"]);
    assert_eq!(edges[0]["state"], "issued");
}

#[tokio::test]
async fn a_dry_run_of_a_rotation_names_who_would_hold_it_up_and_changes_nothing() {
    let server = with_bundles().await;
    let would = act(&server, "rotation?kind=anchor&dryRun=true", StatusCode::OK).await;
    assert_eq!(
        (&would["dryRun"], &would["members"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(would["waiting"].as_array().unwrap().len(), 2);
    let none = server.get(&format!("{CLOUD}/ca/rotation")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{none}");
}

#[tokio::test]
async fn a_rotation_is_begun_once_shown_and_aborted() {
    let server = with_bundles().await;
    let accepted = StatusCode::ACCEPTED;
    let begun = act(&server, "rotation?kind=anchor", accepted).await;
    assert_eq!(begun["phase"], "requested");
    act(&server, "rotation?kind=intermediate", StatusCode::CONFLICT).await;
    let shown = show(&server, &format!("{CLOUD}/ca/rotation")).await;
    assert_eq!(
        (&shown["number"], &shown["kind"]),
        (&json!(1), &json!("anchor"))
    );
    act(&server, "rotation/abort", accepted).await;
    act(&server, "rotation/abort", StatusCode::CONFLICT).await;
}

#[tokio::test]
async fn a_revoked_edge_is_told_and_in_the_record() {
    let server = with_bundles().await;
    let path = "cluster-providers/v/clusters/c1/revoke";
    let revoked = act(&server, path, StatusCode::ACCEPTED).await;
    assert_eq!(
        (&revoked["cluster"], &revoked["state"]),
        (&json!("c1"), &json!("revoked"))
    );
    let shown = show(&server, &format!("{CLOUD}/ca")).await;
    assert_eq!(shown["anchors"][0]["revoked"], 1);
    let events = show(&server, &format!("{CLOUD}/ca/audit")).await;
    assert_eq!(events["bad"], json!([]));
    assert!(events["verified"].as_u64().unwrap() > 3, "{events}");
    let unknown = "cluster-providers/v/clusters/c3/revoke";
    act(&server, unknown, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_request_is_the_same_until_it_is_answered() {
    let server = with_bundles().await;
    let asked = act(&server, "request", StatusCode::ACCEPTED).await;
    let again = act(&server, "request", StatusCode::ACCEPTED).await;
    assert_eq!(asked, again);
    let shown = show(&server, &format!("{CLOUD}/ca")).await;
    assert_eq!(shown["requestPending"], true);
}

#[tokio::test]
async fn a_key_of_a_request_is_refused_before_anything_is_done() {
    let server = with_bundles().await;
    let path = format!("{CLOUD}/ca/rotation?kind=anchor");
    let key = [("Idempotency-Key", "k1")];
    let refused = server.call(Method::POST, &path, &key, String::new()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused}");
    assert!(refused.text.contains("Idempotency-Key"), "{refused}");
    let none = server.get(&format!("{CLOUD}/ca/rotation")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{none}");
}

/// The lines of a key that must not be seen anywhere.
fn assert_hidden(answer: &Answer, key: &str) {
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    for line in lines {
        assert!(!answer.text.contains(line), "{answer}");
    }
}

#[tokio::test]
async fn an_imported_authority_is_shown_without_its_key_and_signs_edges() {
    let server = Server::furnished().await;
    let body = json!({
        "certificate": sample("good"), "key": sample("key"), "chain": sample("root"),
    });
    let taken = server.post(&format!("{CLOUD}/ca/import"), body).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken}");
    assert_eq!(taken.header("cache-control"), Some("no-store"));
    assert_hidden(&taken, sample("key"));
    let anchor = &taken.json()["anchors"][0];
    assert_eq!(
        (&anchor["origin"], &anchor["signs"]),
        (&json!("imported"), &json!(true))
    );
    assert_eq!(anchor["above"], sample("root"));
    let bundle = server
        .authorities
        .ensure_bundle(&target("c1"))
        .await
        .unwrap();
    assert_eq!(bundle.anchors_pem, sample("good"));
    let shown = server.get(&format!("{CLOUD}/ca")).await;
    assert_hidden(&shown, sample("key"));
    let events = show(&server, &format!("{CLOUD}/ca/audit")).await;
    assert_eq!(events["bad"], json!([]));
}

#[tokio::test]
async fn an_authority_of_the_organisation_is_imported_and_signs_the_anchors_of_clouds() {
    let server = Server::furnished().await;
    let body = json!({"certificate": sample("root"), "key": sample("root key")});
    let taken = server.post("/v2/ca/import", body).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken}");
    assert_hidden(&taken, sample("root key"));
    server
        .authorities
        .ensure_bundle(&target("c1"))
        .await
        .unwrap();
    let shown = show(&server, &format!("{CLOUD}/ca")).await;
    assert_eq!(shown["trustModel"], "cloud-intermediate");
    assert_eq!(shown["anchors"][0]["above"], sample("root"));
}

#[tokio::test]
async fn the_answer_to_a_request_is_taken_once_and_only_when_it_is_for_it() {
    let server = Server::furnished().await;
    let signer = Signer::new("others");
    let good = signer.signed(&server, CLOUD).await;
    let other = Signer::new("others");
    let of_root = signer.signed(&server, "/v2").await;
    let rows = [
        (
            json!({"certificate": sample("good"), "chain": sample("root")}),
            "certificate",
            "for the key of the request",
        ),
        (of_root.clone(), "certificate", "for the key of the request"),
        (
            json!({"certificate": good["certificate"]}),
            "chain",
            "up to the one to be trusted",
        ),
        (
            json!({"certificate": good["certificate"], "chain": other.certificate}),
            "chain",
            "key identifiers",
        ),
        (
            json!({"certificate": good["certificate"], "chain": good["chain"], "anchorFingerprint": "00".repeat(32)}),
            "anchorFingerprint",
            "must be the SHA-256",
        ),
    ];
    let path = format!("{CLOUD}/ca/signed");
    for (body, field, rule) in rows {
        let refused = server.post(&path, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused}");
        assert_eq!(refused.fields(), [field]);
        assert!(refused.text.contains(rule), "{rule}: {refused}");
    }
    let taken = server.post(&path, good.clone()).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken}");
    assert_eq!(taken.json()["anchors"][0]["origin"], "signed-elsewhere");
    let again = server.post(&path, good).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again}");
    let root = server.post("/v2/ca/signed", of_root).await;
    assert_eq!(root.status, StatusCode::OK, "{root}");
}
