//! Tests of the sources of the configuration: order, types, and what is refused.

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn with_file(text: &str) -> (tempfile::TempDir, Sources) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dcm.toml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        file: Some(file),
        ..Sources::default()
    };
    (directory, sources)
}

fn refusal(sources: &Sources) -> String {
    dcm_types::chain(&load(sources).unwrap_err())
}

#[test]
fn without_sources_the_defaults_hold() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.origins.is_empty());
}

#[test]
fn flags_count_more_than_environment_and_environment_more_than_the_file() {
    let (_directory, mut sources) = with_file(
        "[server]\nlisten = '127.0.0.1:1'\n[sync]\nruns_total = 1\nruns_per_cluster = 1\n",
    );
    sources.variables = variables(&[
        ("DCM__SERVER__LISTEN", "127.0.0.1:2"),
        ("DCM__SYNC__RUNS_TOTAL", "2"),
    ]);
    sources.listen = Some("127.0.0.1:3".parse().unwrap());
    let config = load(&sources).unwrap().config;
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.sync.runs_total, 2);
    assert_eq!(config.sync.runs_per_cluster, 1);
}

#[test]
fn lists_in_variables_are_toml_or_separated_by_commas() {
    for text in ["127.0.0.0/8, 10.0.0.0/8", "['127.0.0.0/8', '10.0.0.0/8']"] {
        let sources = Sources {
            variables: variables(&[("DCM__CLUSTERS__ALLOW_ADDRESSES", text)]),
            ..Sources::default()
        };
        let ranges = load(&sources).unwrap().config.clusters.allow_addresses;
        assert_eq!(ranges.len(), 2, "{text}");
    }
}

#[test]
fn unknown_keys_of_a_file_are_all_named_with_the_nearest_known_ones() {
    let (_directory, sources) = with_file("[server]\nlisen = 'x'\n[nonsense]\nqqq = 1\n");
    let told = refusal(&sources);
    let file = sources.file.unwrap();
    let expected = format!(
        "unknown key 'nonsense.qqq' in '{0}'\n\
         unknown key 'server.lisen' in '{0}': did you mean 'server.listen'?",
        file.display()
    );
    assert_eq!(told, expected);
}

#[test]
fn unknown_variables_are_refused_in_their_own_spelling() {
    for (name, told) in [
        (
            "DCM__SYNC__SCAN_INTERVALL",
            "unknown key 'DCM__SYNC__SCAN_INTERVALL' in the environment: \
             did you mean 'DCM__SYNC__SCAN_INTERVAL'?",
        ),
        ("DCM__QQQ", "unknown key 'DCM__QQQ' in the environment"),
    ] {
        let sources = Sources {
            variables: variables(&[(name, "1")]),
            ..Sources::default()
        };
        assert_eq!(refusal(&sources), told);
    }
}

#[test]
fn wrong_value_is_told_with_its_place() {
    let (_directory, sources) = with_file("[sync]\nruns_total = 'many'\n");
    let told = refusal(&sources);
    assert!(
        told.contains("line 2") && told.contains("invalid type"),
        "{told}"
    );

    let sources = Sources {
        variables: variables(&[("DCM__SYNC__RUNS_TOTAL", "many")]),
        ..Sources::default()
    };
    let told = refusal(&sources);
    assert!(
        told.starts_with(
            "environment variable DCM__SYNC__RUNS_TOTAL has a value that 'sync.runs_total'"
        ),
        "{told}"
    );
}

#[test]
fn missing_file_is_an_error() {
    let sources = Sources {
        file: Some(PathBuf::from("/nonexistent/dcm.toml")),
        ..Sources::default()
    };
    assert!(refusal(&sources).starts_with("read configuration file '/nonexistent/dcm.toml'"));
}

#[test]
fn effective_configuration_can_be_read_back() {
    let config = load(&Sources::default()).unwrap().config;
    let text = config.to_toml().unwrap();
    let (_directory, sources) = with_file(&text);
    assert_eq!(load(&sources).unwrap().config, config);
}

#[test]
fn values_that_do_not_go_together_are_refused_all_at_once() {
    let (_directory, sources) = with_file("[ca]\nanchor_days = 100\nsocket = 'ca.sock'\n");
    assert_eq!(
        refusal(&sources),
        "'ca.anchor_days' must be at least twice edge_days, not '8640000s'\n\
         'ca.socket' must be an absolute path, or empty, not 'ca.sock'"
    );
}

#[test]
fn a_key_of_a_section_within_another_is_set_by_a_variable_and_told_by_its_whole_name() {
    let with = |name: &str, value: &str| Sources {
        variables: variables(&[(name, value)]),
        ..Sources::default()
    };
    let told = refusal(&with("DCM__CA__ISSUER__KIND", "vault"));
    assert!(told.starts_with("'ca.issuer.url' must be given"), "{told}");
    let loaded = load(&with("DCM__CA__ISSUER__MOUNT", "pki/mesh")).unwrap();
    assert_eq!(loaded.config.ca.issuer.mount, "pki/mesh");
    for name in [
        "DCM__CA__ISSUER",
        "DCM__CA__ISSUER__KIN",
        "DCM__CA__KIND__X",
    ] {
        let told = refusal(&with(name, "vault"));
        assert!(told.contains(name), "{told}");
    }
}
