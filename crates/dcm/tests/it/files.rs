//! Documents in files, against a real server: applied, shown, deleted; and what is wrong with files.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::environment::{Environment, Outcome};
use crate::fake_server::{FakeServer, Prepared};

/// A file of the examples.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/examples")
        .join(name)
}

fn with_file(environment: &Environment, verb: &str, file: &Path, more: &[&str]) -> Outcome {
    let file = file.display().to_string();
    environment.dcm(&[&[verb, "-f", &file], more].concat())
}

fn results(outcome: &Outcome) -> Vec<String> {
    let applied = outcome.json();
    let entries = applied["entries"].as_array().unwrap();
    let texts = entries.iter().map(|entry| entry["result"].as_str());
    texts.map(|text| text.unwrap().to_owned()).collect()
}

#[test]
fn example_in_our_form_is_applied_shown_and_deleted() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    let file = example("shop.yaml");
    let dry = with_file(&environment, "apply", &file, &["--dry-run", "-o", "json"]).done();
    assert_eq!(results(&dry), ["created"; 10]);
    assert_eq!(with_file(&environment, "get", &file, &[]).code, 1);
    let applied = with_file(&environment, "apply", &file, &["-o", "json"]).done();
    assert_eq!(results(&applied), ["created"; 10]);
    let again = with_file(&environment, "apply", &file, &["-o", "json"]).done();
    assert_eq!(results(&again), ["unchanged"; 10]);

    let shown = with_file(&environment, "get", &file, &["-o", "json"]).done();
    let documents = shown.json();
    assert_eq!(documents.as_array().unwrap().len(), 10);
    assert_eq!(documents[7]["spec"]["limits.memory"], "2Gi");
    assert!(!shown.stdout.contains("put-the-token-here"));
    let deleted = with_file(&environment, "delete", &file, &[]).done();
    let rows = deleted
        .stdout
        .lines()
        .filter(|line| line.contains("deleted"));
    assert_eq!(rows.count(), 10, "{}", deleted.shown());
    let gone = with_file(&environment, "delete", &file, &[]).done();
    let rows = gone
        .stdout
        .lines()
        .filter(|line| line.contains("absent already"));
    assert_eq!(rows.count(), 10, "{}", gone.shown());
}

#[test]
fn example_in_the_form_of_anchors_is_applied_and_taken_back() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    let file = example("shop-anchors.yaml");
    let applied = with_file(&environment, "apply", &file, &["-o", "json"]).done();
    let mut expected = ["created"; 10];
    expected[9] = "accepted";
    assert_eq!(results(&applied), expected, "{}", applied.shown());
    assert!(
        applied.stderr.contains("permission 'everything'"),
        "{}",
        applied.shown()
    );
    let cloud = environment.dcm(&["lc", "get", "cranes", "-p", "harbour", "-o", "json"]);
    let cloud = cloud.done().json();
    assert_eq!(
        (&cloud["spec"]["level"], &cloud["status"]["wish"]),
        (&Value::from("1"), &Value::from("present"))
    );
    let cluster = environment.dcm(&["cluster", "get", "quays/north", "-o", "json"]);
    assert_eq!(
        cluster.done().json()["spec"]["server"],
        "https://berlin.example.com:6443"
    );

    // Nothing was written to its only cluster, which cannot be reached, so nothing has to go first.
    let deleted = with_file(&environment, "delete", &file, &[]).done();
    let lines: Vec<&str> = deleted.stdout.lines().collect();
    assert_eq!(lines.len(), 11, "{}", deleted.shown());
    assert!(lines[1].contains("cranes/instantiate") && lines[1].contains("terminated"));
    assert!(
        lines[2..].iter().all(|line| line.contains(" deleted ")),
        "{}",
        deleted.shown()
    );
    assert_eq!(environment.dcm(&["project", "get", "harbour"]).code, 1);
}

#[test]
fn result_is_a_table_that_names_the_lines() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    environment.write(
        "all.yaml",
        "kind: Project\nmetadata: {name: p}\n---\n- kind: ClusterProvider\n  metadata: {name: v}\n",
    );
    insta::assert_snapshot!(environment.dcm(&["apply", "-f", "all.yaml"]).shown(), @r"
    exit 0
    --- stdout
    DOCUMENT             RESULT   FROM
    projects/p           created  all.yaml:1
    cluster-providers/v  created  all.yaml:4
    --- stderr
    ");
    insta::assert_snapshot!(environment.dcm(&["get", "-f", "all.yaml"]).shown(), @r"
    exit 0
    --- stdout
    DOCUMENT             STATE    FROM
    projects/p           present  all.yaml:1
    cluster-providers/v  present  all.yaml:4
    --- stderr
    ");
    let yaml = environment.dcm(&["project", "list", "-o", "yaml"]);
    insta::assert_snapshot!(yaml.shown(), @r#"
    exit 0
    --- stdout
    - metadata:
        description: ""
        name: p
        userData1: ""
        userData2: ""
    --- stderr
    "#);
}

#[test]
fn refusals_name_file_line_and_document() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    environment.write(
        "slice.yaml",
        "kind: Project\nmetadata:\n  name: p\n---\nkind: ClusterQuota\nproject: p\nlogicalCloud: none\n\
         metadata: {name: q}\nspec: {podz: 1}\n",
    );
    insta::assert_snapshot!(environment.dcm(&["apply", "-f", "slice.yaml"]).shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: Invalid input
      slice.yaml:5 (document 2): spec.podz: is not a limit that Kubernetes enforces, got 'podz' (did you mean 'pods'?)
    ");
    let text = std::fs::read_to_string(environment.path("slice.yaml")).unwrap();
    environment.write("slice.yaml", &text.replace("podz", "pods"));
    insta::assert_snapshot!(environment.dcm(&["apply", "-f", "slice.yaml"]).shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: Not found
      slice.yaml:5 (document 2): logical cloud 'none' of project 'p' does not exist
    ");
    assert_eq!(environment.dcm(&["project", "get", "p"]).code, 1);
}

#[test]
fn files_that_cannot_be_understood_are_refused_before_a_request() {
    let mut environment = Environment::new();
    environment.talk_to("http://127.0.0.1:1");
    environment.write(
        "bad.yaml",
        "metadata: {name: p}\n---\nkind: Pod\n---\nkind: Project\nmetadata: {name: '{{ .Name }}'}\n\
         ---\na: [\n---\nversion: emco/v2\nresourceContext: {anchor: projects/p/composite-apps}\n",
    );
    insta::assert_snapshot!(environment.dcm(&["apply", "-f", "bad.yaml"]).shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: the files cannot be applied as they are
      bad.yaml:1 (document 1): must have 'kind' (our form) or 'resourceContext.anchor' (the form of EMCO's tool)
      bad.yaml:3 (document 2): 'kind' is 'Pod', and must be one of Project, ClusterProvider, Cluster, ClusterLabel, ClusterKeyValues, ClusterSyncObject, LogicalCloud, ClusterReference, User, UserPermission, ClusterQuota, LogicalCloudKeyValues, Controller, ClusterManagerController, Instantiate, Update, Terminate, Stop
      bad.yaml:5 (document 3): line 6 holds a template ('{{'): render it first, for example with the tool that it is written for
      bad.yaml:8 (document 4): cannot be read as YAML at line 8
      bad.yaml:10 (document 5): 'projects/p/composite-apps' is no collection of documents that this server keeps
    hint: docs/files.md tells the two forms, and docs/examples has a file of each
    ");
    environment.write("empty.yaml", "# nothing\n---\n");
    assert_eq!(environment.dcm(&["apply", "-f", "empty.yaml"]).code, 1);
    assert_eq!(environment.dcm(&["apply"]).code, 2);
}

#[test]
fn document_after_an_action_is_another_request() {
    let applied = |path: &str, result: &str| {
        serde_json::json!({"dryRun": false, "entries": [
            {"path": path, "result": "created"},
            {"path": "projects/p/logical-clouds/l", "result": result, "generation": 1}]})
    };
    let first = applied("projects/p", "accepted");
    let mut second = applied("projects/q", "accepted");
    second["entries"].as_array_mut().unwrap().pop();
    let server = FakeServer::start(vec![
        Prepared::json("POST /v2/apply", "200 OK", &first),
        Prepared::json("POST /v2/apply", "200 OK", &second),
    ]);
    let mut environment = Environment::new();
    environment.talk_to(&server.url);
    environment.write(
        "order.yaml",
        "kind: Project\nmetadata: {name: p}\n---\nkind: Instantiate\nproject: p\nlogicalCloud: l\n\
         ---\nkind: Project\nmetadata: {name: q}\n",
    );
    let outcome = environment
        .dcm(&["apply", "-f", "order.yaml", "-o", "json"])
        .done();
    assert_eq!(results(&outcome), ["created", "accepted", "created"]);
}

#[test]
fn nouns_of_the_family_live_their_lives() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    with_file(&environment, "apply", &example("shop.yaml"), &[]).done();
    environment.write("pairs.yaml", "region: north\n");
    let run = |line: &str| {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        environment.dcm(&arguments)
    };
    for (noun, place, content) in [
        ("cluster-label", "--cluster edges/berlin", ""),
        ("cluster-kv", "--cluster edges/berlin", "--from pairs.yaml"),
        ("sync-object", "--provider edges", "--from pairs.yaml"),
        ("cloud-kv", "-p acme -c shop", "--from pairs.yaml"),
        ("controller", "", "--host h --port 1 --type action"),
        ("controller", "--group cluster-manager", "--host h --port 1"),
    ] {
        run(&format!("{noun} create x {place} {content}")).done();
        assert_eq!(run(&format!("{noun} create x {place} {content}")).code, 1);
        run(&format!("{noun} set x {place} {content}")).done();
        let listed = run(&format!("{noun} list {place}")).done();
        assert!(
            listed.stdout.lines().any(|line| line.starts_with('x')),
            "{}",
            listed.shown()
        );
        let yaml = run(&format!("{noun} get x {place} -o yaml")).done();
        assert!(yaml.stdout.contains(": x"), "{}", yaml.shown());
        run(&format!("{noun} delete x {place}")).done();
        assert_eq!(run(&format!("{noun} get x {place}")).code, 1);
    }
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let environment = Environment::new();
    let page = environment.dcm(&["man"]).done();
    assert!(page.stdout.contains(".TH dcm 1"), "{}", page.shown());
    environment.dcm(&["man", "pages"]).done();
    for name in ["dcm.1", "dcm-apply.1", "dcm-logical-cloud-instantiate.1"] {
        let text = std::fs::read_to_string(environment.path("pages").join(name)).unwrap();
        assert!(text.contains(".SH NAME"), "{name}");
    }
}
