//! Pages that are made out of the program: they must be as the program says.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::example_file;

/// A page of the project's documentation.
fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

/// Compares a page with what the program says now, and leaves the new text where it can be copied from.
fn assert_current(name: &str, text: &str) {
    let page = page(name);
    let present = std::fs::read_to_string(&page).unwrap_or_default();
    if present == text {
        return;
    }
    let renewed = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&renewed, text).unwrap();
    panic!(
        "docs/{name} is not up to date: look at the difference, then run\n  cp {} {}",
        renewed.display(),
        page.display()
    );
}

#[test]
fn reference_of_the_command_line_is_current() {
    let root = dcm::arguments::Arguments::command();
    assert_current("cli.md", &dcm_cli::reference::render(root));
}

#[test]
fn example_configuration_is_current() {
    assert_current("dcm.example.toml", &example_file::render());
}

#[test]
fn example_configuration_shows_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dcm.toml");
    let uncommented: String = example_file::render()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&file, &uncommented).unwrap();
    let sources = dcm::config::Sources {
        file: Some(file),
        ..Default::default()
    };
    let loaded = dcm::config::load(&sources).unwrap();
    assert_eq!(loaded.config, dcm::config::Config::default());
    let keys = uncommented
        .lines()
        .filter(|line| line.contains(" = "))
        .count();
    assert!(keys >= 20, "only {keys} keys are shown");
}
