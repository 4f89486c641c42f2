//! What the client makes of answers, and of there being none.

use serde_json::json;

use crate::environment::{Environment, mode};
use crate::fake_server::{FakeServer, Prepared};

fn talking_to(answers: Vec<Prepared>) -> (Environment, FakeServer) {
    let server = FakeServer::start(answers);
    let mut environment = Environment::new();
    environment.talk_to(&server.url);
    (environment, server)
}

#[test]
fn connection_that_is_refused_says_what_to_do() {
    let outcome = Environment::new().dcm(&["project", "list", "--server", "http://127.0.0.1:1"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: cannot connect to http://127.0.0.1:1: Connection refused (os error 111)
    hint: is `dcm serve` running? Start it, or name another server with --server or DCM_SERVER
    ");
}

#[test]
fn refusal_is_told_field_by_field_and_cannot_steer_the_terminal() {
    let (environment, _server) = talking_to(vec![Prepared {
        content_type: "application/problem+json",
        ..Prepared::json(
            "POST /v2/projects/p/logical-clouds",
            "400 Bad Request",
            &json!({
                "type": "urn:dcm:problem:invalid", "title": "the document is not valid",
                "status": 400, "detail": "spec.namespace must be \u{1b}]0;x\u{7}; and 1 more",
                "errors": [
                    {"field": "spec.namespace", "rule": "must be an RFC 1123 label",
                     "got": "A\u{1b}[2J", "hint": "use lower-case letters"},
                    {"field": "metadata.name", "rule": "must not be empty"}
                ],
                "requestId": "r-1"
            }),
        )
    }]);
    let outcome = environment.dcm(&["lc", "create", "x", "-p", "p"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: the document is not valid
      spec.namespace: must be an RFC 1123 label, got 'A�[2J' (use lower-case letters)
      metadata.name: must not be empty
    ");
}

#[test]
fn fault_of_the_server_names_the_request() {
    let (environment, _server) = talking_to(vec![Prepared::json(
        "GET /v2/projects/p",
        "500 Internal Server Error",
        &json!({"type": "urn:dcm:problem:internal", "title": "internal error", "status": 500,
                "detail": "internal error", "requestId": "r-77"}),
    )]);
    let outcome = environment.dcm(&["project", "get", "p"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: internal error
    hint: the log of the server says more: look for request r-77
    ");
}

#[test]
fn answer_of_something_else_is_shown_in_short() {
    let (environment, server) = talking_to(vec![Prepared {
        request: "GET",
        status: "200 OK",
        content_type: "text/html",
        body: format!("<html>\n{}", "x".repeat(1000)),
    }]);
    let outcome = environment.dcm(&["project", "list"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.len() < 400, "{}", outcome.stderr);
    let start = format!(
        "error: {} answered 200 with something that is not ours: '<html> xxx",
        server.url
    );
    assert!(outcome.stderr.starts_with(&start), "{}", outcome.stderr);
}

#[test]
fn kubeconfig_is_written_for_its_owner_only_whatever_was_there_before() {
    use std::os::unix::fs::PermissionsExt as _;

    let (environment, _server) = talking_to(vec![Prepared {
        request: "GET /v2/projects/p/logical-clouds/slice/kubeconfig",
        status: "200 OK",
        content_type: "application/yaml",
        body: "apiVersion: v1\nkind: Config\n".to_owned(),
    }]);
    let file = environment.write("tenant.yaml", "old");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();

    let arguments = ["kubeconfig", "slice", "--project", "p", "-o", "tenant.yaml"];
    let outcome = environment.dcm(&arguments).done();
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr, "wrote tenant.yaml, readable by you only\n");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "apiVersion: v1\nkind: Config\n"
    );
    let left: Vec<_> = std::fs::read_dir(environment.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["tenant.yaml"], "no temporary file is left");

    let outcome = environment
        .dcm(&["kubeconfig", "slice", "--project", "p"])
        .done();
    assert_eq!(outcome.stdout, "apiVersion: v1\nkind: Config\n");
}

#[test]
fn kubeconfig_of_one_member_is_asked_for_by_its_reference() {
    let (environment, server) = talking_to(vec![
        Prepared {
            request: "GET /v2/projects/p/logical-clouds/slice/cluster-references/mine/kubeconfig",
            status: "200 OK",
            content_type: "application/yaml",
            body: "kind: Config\n".to_owned(),
        },
        Prepared::json(
            "GET /v2/projects/p/logical-clouds/slice/cluster-references",
            "200 OK",
            &json!([
                {"metadata": {"name": "other"}, "spec": {"clusterProvider": "a", "cluster": "c"}},
                {"metadata": {"name": "mine"}, "spec": {"clusterProvider": "a", "cluster": "b"}}
            ]),
        ),
    ]);
    // The longer path is the first one that matches, so that both can be prepared.
    let get =
        |cluster: &str| environment.dcm(&["kubeconfig", "slice", "-p", "p", "--cluster", cluster]);
    assert_eq!(get("a/b").done().stdout, "kind: Config\n");
    assert_eq!(server.requests().len(), 2);
    let missing = get("a/x");
    assert_eq!(missing.code, 1);
    assert!(
        missing
            .stderr
            .starts_with("error: logical cloud 'slice' has no member 'a/x'\nhint: "),
        "{}",
        missing.stderr
    );
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let (environment, _server) = talking_to(vec![Prepared::json(
        "GET",
        "200 OK",
        &json!([{"metadata": {"name": "demo"}}]),
    )]);
    let painted = |outcome: &crate::environment::Outcome| outcome.stdout.contains('\u{1b}');
    assert!(!painted(&environment.dcm(&["project", "list"])));
    let always = ["project", "list", "--color", "always"];
    assert!(painted(&environment.dcm(&always)));
    assert!(painted(
        &environment.dcm_with(&always, &[("NO_COLOR", "1")])
    ));
    let forced = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")];
    assert!(!painted(
        &environment.dcm_with(&["project", "list"], &forced)
    ));
}

#[test]
fn project_may_come_from_the_environment() {
    let (environment, server) = talking_to(vec![Prepared::json("GET", "200 OK", &json!([]))]);
    let outcome = environment.dcm_with(&["lc", "list"], &[("DCM_PROJECT", "demo")]);
    assert_eq!(outcome.code, 0);
    assert_eq!(outcome.stderr, "there is no logical cloud yet\n");
    assert_eq!(server.requests(), ["GET /v2/projects/demo/logical-clouds"]);
}

#[test]
fn empty_list_is_an_empty_list_in_json() {
    let (environment, _server) = talking_to(vec![Prepared::json("GET", "200 OK", &json!([]))]);
    let outcome = environment.dcm(&["project", "list", "-o", "json"]).done();
    assert_eq!(outcome.stdout, "[]\n");
}
