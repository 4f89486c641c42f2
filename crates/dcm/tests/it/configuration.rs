//! The configuration as the binary sees it.

use crate::environment::Environment;

#[test]
fn effective_configuration_is_data_and_its_sources_are_not() {
    let environment = Environment::new();
    environment.write("dcm.toml", "[sync]\nruns_total = 3\n");
    let outcome = environment
        .dcm_with(
            &["config", "show", "--listen", "127.0.0.1:1234"],
            &[("DCM_CONFIG", "dcm.toml"), ("DCM__LOG__LEVEL", "debug")],
        )
        .done();
    assert_eq!(
        outcome.stderr,
        "# from the defaults, dcm.toml, DCM__LOG__LEVEL, --listen\n"
    );
    for line in [
        "[server]",
        "listen = \"127.0.0.1:1234\"",
        "data_dir = \"dcm-data\"",
        "allow_addresses = []",
        "level = \"debug\"",
        "runs_total = 3",
        "runs_per_cluster = 8",
    ] {
        assert!(
            outcome.stdout.lines().any(|l| l == line),
            "{line}: {}",
            outcome.stdout
        );
    }
}

#[test]
fn unknown_keys_are_refused_before_anything_is_done() {
    let environment = Environment::new();
    environment.write("dcm.toml", "[server]\nlisen = '127.0.0.1:0'\n");
    let outcome = environment.dcm(&["serve", "--config", "dcm.toml"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 2
    --- stdout

    --- stderr
    error: unknown key 'server.lisen' in 'dcm.toml': did you mean 'server.listen'?
    ");
    assert!(!environment.path("dcm-data").exists());

    let variables = [("DCM__STORE__DATADIR", "x")];
    let outcome = environment.dcm_with(&["config", "show"], &variables);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 2
    --- stdout

    --- stderr
    error: unknown key 'DCM__STORE__DATADIR' in the environment: did you mean 'DCM__STORE__DATA_DIR'?
    ");
}

#[test]
fn wrong_values_are_refused_with_their_line() {
    let environment = Environment::new();
    environment.write(
        "dcm.toml",
        "[clusters]\nallow_addresses = ['127.0.0.0/40']\n",
    );
    let outcome = environment.dcm(&["config", "show", "--config", "dcm.toml"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("line 2"), "{}", outcome.stderr);
}
