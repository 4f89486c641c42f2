//! The commented example of the configuration file, out of the doc comments of the settings.
//!
//! The comments of the fields are their only documentation, so they are read from the source; the
//! values are those that the program has by default.

use std::fmt::Write as _;

use dcm::config::Config;
use toml::{Table, Value};

/// Section, its struct, and the source that holds it.
const SECTIONS: [(&str, &str, &str); 8] = [
    ("server", "Config", include_str!("../../src/listener.rs")),
    (
        "store",
        "Config",
        include_str!("../../src/data_directory.rs"),
    ),
    ("clusters", "Clusters", include_str!("../../src/config.rs")),
    ("log", "Config", include_str!("../../src/telemetry.rs")),
    ("traces", "Config", include_str!("../../src/traces.rs")),
    (
        "sync",
        "Config",
        include_str!("../../../dcm-sync/src/config.rs"),
    ),
    ("ca", "Config", include_str!("../../src/ca.rs")),
    ("ca.issuer", "Config", include_str!("../../src/issuer.rs")),
];

const HEAD: &str = "\
# Configuration of `dcm serve`: dcm serve --config dcm.toml
#
# Every key stands here with its default. A key can also be set in the environment, as
# DCM__SECTION__KEY, for example DCM__SERVER__LISTEN; that counts more than this file, and the flags
# --listen and --data-dir count more than both. Unknown keys are refused. `dcm config show` prints
# what holds. Nothing here is secret.
#
# Generated from the program; a test of the crate `dcm` says how to renew it.
";

/// The file.
pub(crate) fn render() -> String {
    let defaults = Table::try_from(Config::default()).unwrap();
    let known: Vec<&str> = SECTIONS.iter().map(|(section, ..)| *section).collect();
    for section in defaults.keys() {
        assert!(
            known.contains(&section.as_str()),
            "[{section}] has no source here"
        );
    }
    let mut text = HEAD.to_owned();
    for (section, name, source) in SECTIONS {
        // A section within another is told by the one that holds it.
        let (outer, field) = match section.split_once('.') {
            Some((outer, inner)) => (source_of(outer), inner),
            None => (include_str!("../../src/config.rs"), section),
        };
        let fields = fields_of(outer, "Config");
        let about = fields.iter().find(|(name, _)| name == field).unwrap();
        text.push('\n');
        push_comment(&mut text, &about.1);
        writeln!(text, "[{section}]").unwrap();
        let values = table(&defaults, section);
        let fields = fields_of(source, name);
        assert_eq!(
            fields.len(),
            values.len(),
            "every field of [{section}] has a default"
        );
        let plain = |field: &str| !values[field].is_table();
        for (field, comment) in fields.into_iter().filter(|(field, _)| plain(field)) {
            assert!(!comment.is_empty(), "{section}.{field} is not explained");
            push_comment(&mut text, &comment);
            writeln!(text, "#{field} = {}", show(&values[&field])).unwrap();
        }
    }
    text
}

fn source_of(section: &str) -> &'static str {
    let found = SECTIONS.iter().find(|(name, ..)| *name == section);
    found.unwrap().2
}

/// The table of a section, also of one within another.
fn table<'a>(defaults: &'a Table, section: &str) -> &'a Table {
    let mut names = section.split('.');
    let first = defaults[names.next().unwrap()].as_table().unwrap();
    names.fold(first, |table, name| table[name].as_table().unwrap())
}

fn show(value: &Value) -> String {
    value.to_string()
}

fn push_comment(text: &mut String, comment: &[String]) {
    for line in comment {
        writeln!(text, "# {line}").unwrap();
    }
}

/// The public fields of a struct, each with the lines of its doc comment.
fn fields_of(source: &str, name: &str) -> Vec<(String, Vec<String>)> {
    let mut fields = Vec::new();
    let mut comment = Vec::new();
    let lines = source
        .lines()
        .skip_while(|line| *line != format!("pub struct {name} {{"))
        .skip(1)
        .take_while(|line| *line != "}")
        .map(str::trim);
    for line in lines {
        if let Some(text) = line.strip_prefix("/// ") {
            comment.push(text.to_owned());
        } else if let Some((field, _)) = line.strip_prefix("pub ").and_then(|l| l.split_once(':')) {
            fields.push((field.to_owned(), std::mem::take(&mut comment)));
        }
    }
    fields
}
