//! The server as a process: its start, its folder, its end.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::environment::{Environment, mode};

#[test]
fn empty_folder_is_enough_and_becomes_private() {
    let mut environment = Environment::new();
    let server = environment.serve();
    assert!(server.line.contains(" ready in "), "{}", server.line);
    assert_eq!(mode(&environment.path("data")), 0o700);
    assert_eq!(mode(&environment.path("data/key")), 0o600);
    assert_eq!(mode(&environment.path("data/dcm.sqlite")), 0o600);
    environment.dcm(&["project", "list"]).done();
}

#[test]
fn sigterm_ends_it_quickly_and_well() {
    let mut environment = Environment::new();
    let server = environment.serve();
    let (code, elapsed, log) = server.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(elapsed < Duration::from_secs(3), "took {elapsed:?}: {log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn sigterm_ends_it_while_somebody_waits() {
    let mut environment = Environment::new();
    let server = environment.serve();
    environment.dcm(&["project", "create", "demo"]).done();
    environment
        .dcm(&["lc", "create", "slice", "-p", "demo"])
        .done();
    let url = format!(
        "{}/v2/projects/demo/logical-clouds/slice/status?wait=ready&timeout=60s",
        server.url
    );
    let waiting = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(async move {
                // Cut off or answered: both are fine.
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let _ = client.get(url).send().await;
            });
    });
    std::thread::sleep(Duration::from_millis(200));
    let (code, elapsed, log) = server.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(elapsed < Duration::from_secs(8), "took {elapsed:?}: {log}");
    waiting.join().unwrap();
}

#[test]
fn restart_keeps_what_was_written() {
    let mut environment = Environment::new();
    let server = environment.serve();
    environment.dcm(&["project", "create", "demo"]).done();
    server.terminate();
    let _server = environment.serve();
    let listed = environment
        .dcm(&["project", "list", "-o", "json"])
        .done()
        .json();
    assert_eq!(listed[0]["metadata"]["name"], "demo");
}

#[test]
fn key_file_that_others_can_read_is_refused() {
    let mut environment = Environment::new();
    environment.serve().terminate();
    let key = environment.path("data/key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let outcome = environment.dcm(&arguments);
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.stdout, "");
    assert!(
        outcome
            .stderr
            .contains("is open to other users (mode 0644)"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn lost_key_file_is_refused_and_not_replaced() {
    let mut environment = Environment::new();
    environment.serve().terminate();
    let key = environment.path("data/key");
    std::fs::remove_file(&key).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let outcome = environment.dcm(&arguments);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("is missing"), "{}", outcome.stderr);
    assert!(!key.exists());
}

#[test]
fn two_servers_on_one_folder_are_refused() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let outcome = environment.dcm(&arguments);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("open store"), "{}", outcome.stderr);
}

#[test]
fn listening_for_others_is_refused_and_says_why() {
    let environment = Environment::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9077"] {
        let outcome = environment.dcm(&["serve", "--listen", address]);
        assert_eq!(outcome.code, 1);
        assert!(
            outcome.stderr.contains("callers are not authenticated yet"),
            "{}",
            outcome.stderr
        );
    }
    assert!(!environment.path("dcm-data").exists());
}

#[test]
fn log_can_be_json_and_never_mixes_with_data() {
    let mut environment = Environment::new();
    environment.write("dcm.toml", "[log]\nformat = 'json'\nlevel = 'debug'\n");
    let server = environment.serve_with(&["--config", "dcm.toml"]);
    environment.dcm(&["project", "list"]).done();
    let (_, _, log) = server.terminate();
    assert!(log.lines().count() > 0);
    for line in log.lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "{line}");
    }
}
