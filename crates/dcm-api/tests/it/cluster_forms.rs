//! Clusters that are registered with a form, as clients of the later system do it, clusters that are
//! reached through a repository, and addresses for tenants.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Answer, CANARY, KUBECONFIG, Server, new_cluster};

const CLUSTERS: &str = "/v2/cluster-providers/v/clusters";
const FORM: &str = "multipart/form-data; boundary=XyZ";

/// A part: its name, further text of its header, its content.
type Part<'a> = (&'a str, &'a str, &'a str);

fn form(parts: &[Part<'_>]) -> String {
    let part = |(name, rest, content): &Part<'_>| {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{rest}");
        format!("--XyZ\r\n{head}\r\n\r\n{content}\r\n")
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!("{}--XyZ--\r\n", parts.concat())
}

async fn send(server: &Server, method: Method, path: &str, parts: &[Part<'_>]) -> Answer {
    let headers = [("content-type", FORM)];
    server.call(method, path, &headers, form(parts)).await
}

const FILE: &str = "; filename=\"kubeconfig\"\r\nContent-Type: application/octet-stream";

fn named(name: &str) -> String {
    json!({"metadata": {"name": name}}).to_string()
}

#[tokio::test]
async fn a_form_registers_and_replaces_a_cluster() {
    let server = Server::furnished().await;
    let metadata = named("f");
    let file = ("file", FILE, KUBECONFIG);
    let typed = "\r\nContent-Type: application/json";
    let parts = [("metadata", typed, metadata.as_str()), file];
    let made = send(&server, Method::POST, CLUSTERS, &parts).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(made.json()["spec"]["server"], "https://1.2.3.4:6443");
    assert!(!made.text.contains(CANARY), "{made}");
    let again = send(&server, Method::POST, CLUSTERS, &parts).await;
    assert_eq!(again.status, 409, "{again}");

    let path = format!("{CLUSTERS}/f");
    let other = KUBECONFIG.replace("1.2.3.4", "1.2.3.5");
    let document = json!({"metadata": {"description": "moved"}, "labels": [{"clusterLabel": "x"}]});
    let document = document.to_string();
    let parts = [("metadata", "", document.as_str()), ("file", FILE, &other)];
    let put = send(&server, Method::PUT, &path, &parts).await;
    assert_eq!(put.status, 200, "{put}");
    assert_eq!(put.json()["spec"]["server"], "https://1.2.3.5:6443");
    assert_eq!(put.json()["metadata"]["description"], "moved");
    let found = server.get(&format!("{CLUSTERS}?label=x")).await;
    assert_eq!(found.json(), json!(["f"]));
    let kept = send(&server, Method::PUT, &path, &[("metadata", "", "{}")]).await;
    assert_eq!(kept.status, 200, "{kept}");
    assert_eq!(kept.json()["spec"]["server"], "https://1.2.3.5:6443");
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let server = Server::furnished().await;
    let name = named("f");
    let (metadata, file) = (("metadata", "", name.as_str()), ("file", FILE, KUBECONFIG));
    let long = format!("{KUBECONFIG}#{}", "x".repeat(256 * 1024));
    let exec = KUBECONFIG.replace("    token:", "    exec: {command: DCMCANARY}\n    token:");
    let with_text = new_cluster("f").to_string();
    let rows: [(&[Part<'_>], u16, &str); 11] = [
        (&[], 400, "metadata"),
        (&[file], 400, "metadata"),
        (&[("metadata", "", ""), file], 400, "metadata"),
        (&[("metadata", "", "{}"), file], 400, "metadata.name"),
        (
            &[("metadata", "", "{\"metadata\": 1}"), file],
            422,
            "metadata",
        ),
        (&[metadata], 422, "file"),
        (&[metadata, metadata, file], 422, "metadata"),
        (&[metadata, file, file], 422, "file"),
        (&[metadata, ("file", FILE, " ")], 400, "file"),
        (&[metadata, ("file", FILE, &long)], 400, "file"),
        (
            &[("metadata", "", &with_text), file],
            400,
            "spec.kubeconfig",
        ),
    ];
    for (parts, status, field) in rows {
        let answer = send(&server, Method::POST, CLUSTERS, parts).await;
        let told = (answer.status.as_u16(), answer.fields());
        assert_eq!(told, (status, vec![field.to_owned()]), "{answer}");
        assert!(!answer.text.contains(CANARY), "{answer}");
    }
    let answer = send(
        &server,
        Method::POST,
        CLUSTERS,
        &[metadata, ("file", FILE, &exec)],
    )
    .await;
    assert_eq!(answer.status, 400, "{answer}");
    assert!(
        answer
            .fields()
            .iter()
            .all(|field| field.starts_with("file.")),
        "{answer}"
    );
    assert!(!answer.text.contains(CANARY), "{answer}");
    assert_eq!(server.get(&format!("{CLUSTERS}/f")).await.status, 404);
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused_by_what_it_says() {
    let server = Server::furnished().await;
    let whole = form(&[("metadata", "", &named("f")), ("file", FILE, KUBECONFIG)]);
    let cut = whole[..whole.len() / 2].to_owned();
    let huge = form(&[
        ("metadata", "", &named("f")),
        ("file", FILE, &"x".repeat(1 << 20)),
    ]);
    for (media_type, body, status) in [
        ("multipart/form-data", whole.clone(), 422),
        (FORM, cut, 422),
        (FORM, "no form at all".to_owned(), 422),
        (FORM, huge, 413),
        ("multipart/mixed; boundary=XyZ", whole.clone(), 415),
        ("application/json", whole, 422),
    ] {
        let headers = [("content-type", media_type)];
        let answer = server.call(Method::POST, CLUSTERS, &headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{media_type}: {answer}");
    }
}

fn git_ops(kind: &str) -> Value {
    json!({"gitOps": {"gitOpsType": kind, "gitOpsReferenceObject": "r", "gitOpsResourceObject": "s"}})
}

#[tokio::test]
async fn a_cluster_behind_a_repository_is_kept_and_not_instantiated() {
    let server = Server::furnished().await;
    let body = json!({"metadata": {"name": "g"}, "spec": git_ops("fluxcd")});
    let text = body.to_string();
    let made = send(&server, Method::POST, CLUSTERS, &[("metadata", "", &text)]).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(made.json()["spec"]["gitOps"], git_ops("fluxcd")["gitOps"]);
    assert_eq!(server.post(CLUSTERS, body).await.status, 409);
    let path = format!("{CLUSTERS}/g");
    let kept = server.put(&path, json!({})).await;
    assert_eq!(
        kept.json()["spec"]["gitOps"]["gitOpsType"],
        "fluxcd",
        "{kept}"
    );
    for (path, body) in [
        (path.as_str(), json!({"spec": git_ops("")})),
        (path.as_str(), json!({"spec": {"kubeconfig": KUBECONFIG}})),
        (
            "/v2/cluster-providers/v/clusters/c1",
            json!({"spec": git_ops("anthos")}),
        ),
    ] {
        let refused = server.put(path, body).await;
        assert_eq!(refused.status, 409, "{refused}");
        assert!(refused.json()["hint"].is_string(), "{refused}");
    }
    let cloud = crate::server::CLOUD;
    let reference =
        json!({"metadata": {"name": "r"}, "spec": {"clusterProvider": "v", "cluster": "g"}});
    let made = server
        .post(&format!("{cloud}/cluster-references"), reference)
        .await;
    assert_eq!(made.status, 201, "{made}");
    let refused = server
        .post(&format!("{cloud}/instantiate"), json!({}))
        .await;
    assert_eq!(refused.status, 409, "{refused}");
    assert!(refused.text.contains("through a repository"), "{refused}");
}

#[tokio::test]
async fn an_address_for_tenants_is_checked_as_a_server() {
    let server = Server::furnished().await;
    let path = format!("{CLUSTERS}/c1");
    for (spec, field) in [
        (json!({"publicAddress": "http://x"}), "spec.publicAddress"),
        (
            json!({"publicAddress": "https://x/path"}),
            "spec.publicAddress",
        ),
        (
            json!({"publicAddress": "https://u:p@x"}),
            "spec.publicAddress",
        ),
        (
            json!({"publicCertificateAuthority": "x"}),
            "spec.publicCertificateAuthority",
        ),
    ] {
        let refused = server.put(&path, json!({"spec": spec})).await;
        assert_eq!(refused.status, 400, "{refused}");
        assert_eq!(refused.fields(), [field], "{refused}");
    }
    let both = json!({"publicAddress": "x", "publicCertificateAuthority": "y"});
    let refused = server.put(&path, json!({"spec": both})).await;
    assert_eq!(refused.fields().len(), 2, "all at once: {refused}");
    let put = server
        .put(
            &path,
            json!({"spec": {"publicAddress": "https://Edge.example.com/"}}),
        )
        .await;
    assert_eq!(
        put.json()["spec"]["publicAddress"],
        "https://edge.example.com:443",
        "{put}"
    );
    let gone = server.put(&path, json!({})).await;
    assert!(gone.json()["spec"].get("publicAddress").is_none(), "{gone}");
}
