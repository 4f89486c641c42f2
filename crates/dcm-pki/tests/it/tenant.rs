//! A tenant's kubeconfig: `kubectl` reads it, each context leads to its own member, and no value can
//! break out of its place.

use std::fs;

use dcm_pki::kubeconfig::{TenantAuthentication, TenantKubeconfig, render};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::program::run;
use crate::sample::{CANARY, base64};

fn entry(context: &str) -> TenantKubeconfig {
    TenantKubeconfig {
        context: context.to_owned(),
        server: "https://192.0.2.10:6443".to_owned(),
        certificate_authority_pem: format!("authority of {context}"),
        tls_server_name: None,
        user: "alice".to_owned(),
        authentication: TenantAuthentication::Certificate {
            certificate_pem: format!("certificate for {context}"),
            key_pem: Some(SecretString::from(format!("key for {context} {CANARY}"))),
        },
        namespace: "payments".to_owned(),
    }
}

/// What `kubectl` understands of it.
fn seen(entries: &[TenantKubeconfig], current: usize) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, render(entries, current).expose_secret()).unwrap();
    let file = file.to_str().unwrap();
    let view = run(&format!(
        "kubectl --kubeconfig {file} config view --raw -o json"
    ))
    .output;
    serde_json::from_str(&view).unwrap_or_else(|error| panic!("{error}: {view}"))
}

fn names(view: &Value, list: &str) -> Vec<String> {
    let entries = view[list].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn kubectl_reads_a_context_per_member() {
    let mut second = entry("dc-edge2");
    second.tls_server_name = Some("edge2.example.org".to_owned());
    let view = seen(&[entry("dc-edge1"), second], 1);
    assert_eq!(view["current-context"], "dc-edge2");
    assert_eq!(names(&view, "contexts"), ["dc-edge1", "dc-edge2"]);
    assert_eq!(names(&view, "clusters"), ["dc-edge1", "dc-edge2"]);
    assert_eq!(names(&view, "users"), ["alice@dc-edge1", "alice@dc-edge2"]);
    let context = &view["contexts"][1]["context"];
    assert_eq!(context["cluster"], "dc-edge2");
    assert_eq!(context["user"], "alice@dc-edge2");
    assert_eq!(context["namespace"], "payments");
    let cluster = &view["clusters"][1]["cluster"];
    assert_eq!(cluster["server"], "https://192.0.2.10:6443");
    assert_eq!(cluster["tls-server-name"], "edge2.example.org");
    assert_eq!(
        cluster["certificate-authority-data"],
        base64("authority of dc-edge2")
    );
    let user = &view["users"][1]["user"];
    assert_eq!(
        user["client-certificate-data"],
        base64("certificate for dc-edge2")
    );
    assert_eq!(
        user["client-key-data"],
        base64(&format!("key for dc-edge2 {CANARY}"))
    );
}

#[test]
fn names_are_unique_and_a_wrong_index_selects_the_first() {
    let entries = ["a", "a", "a-2", "a"].map(entry);
    let view = seen(&entries, 99);
    assert_eq!(view["current-context"], "a");
    // kubectl sorts what it shows.
    assert_eq!(names(&view, "contexts"), ["a", "a-2", "a-3", "a-4"]);
    let of_own_name = &view["clusters"][1]["cluster"]["certificate-authority-data"];
    assert_eq!(*of_own_name, base64("authority of a-2"));
}

#[test]
fn no_value_breaks_out_of_its_place() {
    let hostile = [
        "a\"b",
        "a\\b",
        "a: b",
        "a #b",
        "yes",
        "1e3",
        "null",
        "~",
        "{x}",
        "- a",
        "a\nusers: []",
        "é\u{1f600}\u{85}\u{2028}",
        "*a",
        "&a",
        "!!b",
        "%c",
        "@d",
        "",
        " ",
        "a\tb",
    ];
    let entries = hostile.map(|text| TenantKubeconfig {
        server: format!("https://{text}"),
        namespace: text.to_owned(),
        user: text.to_owned(),
        ..entry(text)
    });
    let view = seen(&entries, 10);
    assert_eq!(view["current-context"], "a\nusers: []");
    let mut wanted = hostile.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(names(&view, "contexts"), wanted);
    for context in view["contexts"].as_array().unwrap() {
        let name = context["name"].as_str().unwrap();
        assert_eq!(context["context"]["user"], format!("{name}@{name}"));
        assert_eq!(context["context"]["namespace"].as_str().unwrap_or(""), name);
    }
}

#[test]
fn a_token_stands_where_kubectl_looks_for_it() {
    let mut robot = entry("dc-edge1");
    robot.authentication = TenantAuthentication::Token(SecretString::from("aa.b-b.c_c"));
    let view = seen(&[robot, entry("dc-edge2")], 0);
    let users = view["users"].as_array().unwrap();
    assert_eq!(
        users[0]["user"],
        serde_json::json!({ "token": "aa.b-b.c_c" })
    );
    assert!(users[1]["user"]["client-key-data"].is_string());
    for torn in ["{}", r#"{"token":"t","key":"k"}"#] {
        let mut json: Value = serde_json::from_str(entry("x").to_json().expose_secret()).unwrap();
        json.as_object_mut().unwrap().remove("certificate");
        let other: Value = serde_json::from_str(torn).unwrap();
        for (name, value) in other.as_object().unwrap() {
            json[name] = value.clone();
        }
        assert!(TenantKubeconfig::from_json(json.to_string().as_bytes()).is_err());
    }
}

#[test]
fn a_plugin_is_what_kubectl_runs_and_nothing_secret_is_there() {
    let mut one = entry("dc-edge1");
    let arguments = ["credential", "--user", "a \"b\n: c", ""].map(str::to_owned);
    one.authentication = TenantAuthentication::Plugin(arguments.to_vec());
    let view = seen(&[one], 0);
    let exec = &view["users"][0]["user"]["exec"];
    assert_eq!(exec["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(exec["command"], "dcm");
    assert_eq!(exec["interactiveMode"], "Never");
    assert_eq!(exec["args"], serde_json::json!(arguments));
    assert_eq!(view["users"][0]["user"].as_object().unwrap().len(), 1);
}

#[test]
fn a_credential_alone_says_when_it_ends() {
    let until = "2030-06-15T12:00:00.25Z".parse().unwrap();
    let json = |entry: &TenantKubeconfig| -> Value {
        serde_json::from_str(entry.exec_credential(until).expose_secret()).unwrap()
    };
    let mut robot = entry("x");
    let with_key = json(&robot);
    assert_eq!(with_key["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(with_key["kind"], "ExecCredential");
    assert_eq!(
        with_key["status"]["clientCertificateData"],
        "certificate for x"
    );
    assert_eq!(
        with_key["status"]["expirationTimestamp"],
        "2030-06-15T12:00:00Z"
    );
    assert!(with_key["status"]["clientKeyData"].is_string());
    robot.authentication = TenantAuthentication::Token(SecretString::from("t"));
    assert_eq!(
        json(&robot)["status"],
        serde_json::json!({ "expirationTimestamp": "2030-06-15T12:00:00Z", "token": "t" })
    );
}

#[test]
fn no_member_is_an_empty_file() {
    let view = seen(&[], 0);
    assert_eq!(view["current-context"], "");
    assert!(view["contexts"].is_null() || view["contexts"] == serde_json::json!([]));
}

#[test]
fn the_stored_form_survives_and_shows_no_secret() {
    let mut one = entry("dc-edge1");
    one.tls_server_name = Some("a".to_owned());
    let mut robot = entry("dc-edge3");
    robot.authentication = TenantAuthentication::Token(SecretString::from(CANARY));
    for entry in [one, robot, entry("dc-edge2")] {
        let json = entry.to_json();
        let again = TenantKubeconfig::from_json(json.expose_secret().as_bytes()).unwrap();
        assert_eq!(again.to_json().expose_secret(), json.expose_secret());
        let shown = format!(
            "{again:?} {:?} {json:?}",
            render(std::slice::from_ref(&again), 0)
        );
        assert!(
            !shown.contains(CANARY) && !shown.contains(&base64(CANARY)[..20]),
            "{shown}"
        );
    }
    let error = TenantKubeconfig::from_json(format!("\"{CANARY}\"").as_bytes()).unwrap_err();
    assert_eq!(dcm_types::chain(&error), "read a stored tenant kubeconfig");
}
