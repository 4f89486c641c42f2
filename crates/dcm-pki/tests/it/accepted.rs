//! Good kubeconfigs are accepted, exactly their current context is used, and nothing shows a secret.

use dcm_pki::kubeconfig::{self, AdminCredential, Authentication, Host};
use secrecy::ExposeSecret as _;

use crate::sample::{Sample, TOKEN, good};

/// As a distribution writes it: block style, a comment, a document start.
const BLOCK: &str = "---\n# written by a distribution\napiVersion: v1\nclusters:\n- cluster:\n    \
    certificate-authority-data: $CA\n    server: https://edge.example.org:6443\n    \
    tls-server-name: Kubernetes.default\n  name: edge\ncontexts:\n- context:\n    cluster: edge\n    \
    namespace: default\n    user: admin\n  name: admin@edge\ncurrent-context: admin@edge\n\
    kind: Config\npreferences: {}\nusers:\n- name: admin\n  user:\n    \
    client-certificate-data: $CERTIFICATE\n    client-key-data: $KEY\n";

fn parsed(sample: &Sample, text: &str) -> AdminCredential {
    kubeconfig::parse(sample.fill(text).as_bytes()).unwrap()
}

#[test]
fn the_block_style_of_a_distribution_is_read() {
    let sample = Sample::new();
    for text in [
        BLOCK.to_owned(),
        BLOCK.replace('\n', "\r\n"),
        format!("{BLOCK}...\n"),
    ] {
        let credential = parsed(&sample, &text);
        assert_eq!(
            credential.server.to_string(),
            "https://edge.example.org:6443"
        );
        assert_eq!(
            credential.tls_server_name.as_deref(),
            Some("kubernetes.default")
        );
        assert_eq!(credential.certificate_authority_pem, pem(&sample.authority));
        let Authentication::ClientCertificate {
            certificate_pem,
            key_pem,
        } = &credential.authentication
        else {
            panic!("{credential:?}");
        };
        assert_eq!(*certificate_pem, pem(&sample.admin.certificate));
        assert_eq!(key_pem.expose_secret(), pem(&sample.admin.key));
    }
}

/// With line ends as we write them.
fn pem(text: &str) -> String {
    text.replace('\r', "")
}

#[test]
fn json_and_indented_json_are_read() {
    let sample = Sample::new();
    let value = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "main",
        "clusters": [{"name": "edge", "cluster": {
            "server": "https://[2001:db8::1]", "certificate-authority-data": "$CA"}}],
        "users": [{"name": "admin", "user": {"token": "$TOKEN"}}],
        "contexts": [{"name": "main", "context": {"cluster": "edge", "user": "admin"}}],
    });
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    for text in [value.to_string(), pretty.replace("  ", "\t"), pretty] {
        let credential = parsed(&sample, &text);
        assert!(matches!(credential.server.host, Host::Address(_)));
        assert_eq!(credential.server.port, 443);
        let Authentication::Token(token) = &credential.authentication else {
            panic!("{credential:?}");
        };
        assert_eq!(token.expose_secret(), TOKEN);
    }
}

#[test]
fn exactly_the_current_context_is_used() {
    let sample = Sample::new();
    let text = "apiVersion: v1\nkind: Config\n\
        clusters: [{name: a, cluster: {server: 'https://a.example'}},\n\
          {name: b, cluster: {server: 'https://b.example', certificate-authority-data: $CA}}]\n\
        users: [{name: a, user: {token: not-this-one}}, {name: b, user: {token: $TOKEN}}]\n\
        contexts: [{name: one, context: {cluster: a, user: a}},\n\
          {name: two, context: {cluster: b, user: b}}]\n\
        current-context: two\n";
    let credential = parsed(&sample, text);
    assert_eq!(credential.server.to_string(), "https://b.example:443");
    let Authentication::Token(token) = credential.authentication else {
        panic!("not a token");
    };
    assert_eq!(token.expose_secret(), TOKEN);
}

#[test]
fn all_faults_are_told_at_once() {
    let sample = Sample::new();
    let text = "apiVersion: v1\nkind: Config\n\
        clusters: [{name: edge, cluster: {server: 'http://a.example', proxy-url: x,\n\
          insecure-skip-tls-verify: true}}]\n\
        users: [{name: admin, user: {exec: {}, tokenFile: /etc/passwd}}]\n\
        contexts: [{name: main, context: {cluster: edge, user: admin}}]\ncurrent-context: main\n";
    let faults = kubeconfig::parse(sample.fill(text).as_bytes()).unwrap_err();
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "clusters[0].cluster.proxy-url",
            "clusters[0].cluster.insecure-skip-tls-verify",
            "users[0].user.exec",
            "users[0].user.tokenFile",
            "clusters[0].cluster.server",
            "clusters[0].cluster.certificate-authority-data",
        ]
    );
    assert!(
        faults.iter().all(|fault| fault.field != "users[0].user"),
        "{faults:?}"
    );
}

#[test]
fn faults_can_be_seen_from_the_body_that_holds_the_text() {
    let faults = kubeconfig::parse(b"[]").unwrap_err();
    let within = kubeconfig::faults_within("spec.kubeconfig", faults);
    assert_eq!(within[0].field, "spec.kubeconfig");
    let faults = kubeconfig::parse(b"{kind: a}").unwrap_err();
    let within = kubeconfig::faults_within("spec.kubeconfig", faults);
    assert!(
        within
            .iter()
            .any(|fault| fault.field == "spec.kubeconfig.kind")
    );
}

#[test]
fn a_credential_survives_its_stored_form_and_shows_no_secret() {
    let sample = Sample::new();
    let token = good("$CA", "{token: $TOKEN}");
    for text in [BLOCK, &token] {
        let credential = parsed(&sample, text);
        let json = credential.to_json();
        let again = AdminCredential::from_json(json.expose_secret().as_bytes()).unwrap();
        assert_eq!(again.to_json().expose_secret(), json.expose_secret());
        assert_eq!(again.server, credential.server);
        let shown = format!("{again:?} {again:#?} {json:?}");
        for secret in sample.secrets() {
            assert!(!shown.contains(&secret), "{shown}");
        }
    }
}

#[test]
fn a_damaged_stored_form_is_refused_without_repeating_it() {
    let sample = Sample::new();
    let json = parsed(&sample, BLOCK).to_json();
    let json = json.expose_secret();
    let rows = [
        json.replacen("host", "h", 1),
        json.replacen("\"port\":6443", "\"port\":\"DCMCANARY\"", 1),
        json.replacen("edge.example.org", "0x7f.1", 1),
        json.replacen('{', "{\"extra\":1,", 1),
        json[..json.len() - 1].to_owned(),
        String::new(),
    ];
    for row in rows {
        let error = AdminCredential::from_json(row.as_bytes()).unwrap_err();
        assert_eq!(
            dcm_types::chain(&error),
            "read a stored administrator credential"
        );
    }
}
