//! Manifests: versions live in the workspace's table alone, and lints are the same everywhere.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{Finding, TextFile, Tree};

const RULE: &str = "manifest";
const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];
/// What a crate may say about a dependency; the version and its source are not among it.
const OWN_WORDS: &[&str] = &["workspace", "features", "optional", "default-features"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| is_member_manifest(&file.path))
    {
        let manifest: Table = file
            .text
            .parse()
            .with_context(|| format!("reading {}", file.path))?;
        let messages = problems(&manifest).into_iter();
        findings.extend(messages.map(|message| finding(file, message)));
    }
    Ok(findings)
}

fn finding(file: &TextFile, message: String) -> Finding {
    Finding {
        rule: RULE,
        path: file.path.clone(),
        message,
    }
}

fn is_member_manifest(path: &str) -> bool {
    path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
}

fn problems(manifest: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    let inherits = |value: Option<&Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(Value::as_bool)
            == Some(true)
    };
    if !inherits(manifest.get("lints")) {
        problems.push("must say `[lints] workspace = true`".to_owned());
    }
    for field in ["version", "edition", "rust-version", "license", "publish"] {
        if !inherits(
            manifest
                .get("package")
                .and_then(|package| package.get(field)),
        ) {
            problems.push(format!("must say `{field}.workspace = true`"));
        }
    }
    for (name, dependency) in dependencies(manifest) {
        let foreign = |table: &Table| table.keys().any(|word| !OWN_WORDS.contains(&word.as_str()));
        if !inherits(Some(dependency)) || dependency.as_table().is_none_or(foreign) {
            problems.push(format!(
                "{name} must come from the workspace's table of dependencies"
            ));
        }
    }
    problems
}

/// Also those for one platform only.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|part| {
            TABLES
                .iter()
                .filter_map(|table| part.get(*table)?.as_table())
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = 'x'\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n[lints]\nworkspace = true\n";

    fn problems_of(rest: &str) -> Vec<String> {
        problems(&format!("{GOOD}{rest}").parse().unwrap())
    }

    #[test]
    fn dependencies_of_the_workspace_are_fine() {
        let rest = "[dependencies]\na.workspace = true\nb = { workspace = true, optional = true }";
        assert_eq!(problems_of(rest), [""; 0]);
    }

    #[test]
    fn versions_paths_and_sources_of_a_crate_s_own_are_refused() {
        for rest in [
            "[dependencies]\na = '1'",
            "[dev-dependencies]\na = { path = '../a' }",
            "[build-dependencies]\na = { workspace = true, version = '1' }",
            "[target.'cfg(unix)'.dependencies]\na = { git = 'somewhere' }",
        ] {
            assert_eq!(problems_of(rest).len(), 1, "{rest}");
        }
    }

    #[test]
    fn lints_and_edition_must_be_inherited() {
        let manifest = "[package]\nname = 'x'\nedition = '2021'".parse().unwrap();
        assert_eq!(problems(&manifest).len(), 6);
    }
}
