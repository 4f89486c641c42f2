//! Nothing of the machine that a change was made on may get into the tree: paths, package mirrors.

use std::process::Command;

use super::{Finding, TextFile, Tree};

const RULE: &str = "machine";

/// Where lock files may say that a package comes from.
const CARGO_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// Folders in which only the files of some person live.
const HOMES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];
/// Words that stand in the addresses of mirrors and nowhere else. Written in two halves each, so
/// that this file is not the first to be found.
const MIRRORS: &[&str] = &[concat!("artifact", "ory"), concat!("/nexus/", "repository")];
/// Hosts that anybody may name.
const PUBLIC: &[&str] = &[
    "proxy.golang.org",
    "crates.io",
    "npmjs.org",
    "pypi.org",
    "github.com",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut words = known_mirrors();
    words.extend(HOMES.iter().chain(MIRRORS).map(|word| (*word).to_owned()));
    let root = tree.root.to_string_lossy();
    // A tree right below the root folder has a path like any route of our API.
    if root.matches('/').count() > 1 {
        words.push(root.into_owned());
    }
    tree.files
        .iter()
        .flat_map(|file| findings(file, &words))
        .collect()
}

fn findings(file: &TextFile, words: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let mut tell = |message: String| {
            let message = format!("line {number} {message}");
            findings.push(Finding {
                rule: RULE,
                path: file.path.clone(),
                message,
            });
        };
        if words.iter().any(|word| line.contains(word.as_str())) {
            tell("names a path or a package mirror of one machine".to_owned());
        }
        if let Some(source) = foreign_source(&file.path, line.trim()) {
            tell(format!("takes a package from {source}"));
        }
    }
    findings
}

fn foreign_source<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    let (start, registry) = match path.rsplit('/').next()? {
        "Cargo.lock" => ("source = \"", CARGO_REGISTRY),
        "package-lock.json" => ("\"resolved\": \"", NPM_REGISTRY),
        _ => return None,
    };
    let source = line.strip_prefix(start)?.split('"').next()?;
    (!source.starts_with(registry)).then_some(source)
}

/// The hosts from which Go takes modules on this machine.
fn known_mirrors() -> Vec<String> {
    // Without Go there is nothing of Go's to leak.
    let output = Command::new("go").args(["env", "GOPROXY"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default()
        .trim()
        .split([',', '|'])
        .filter_map(private_host)
        .collect()
}

fn private_host(address: &str) -> Option<String> {
    let host = address.split_once("://")?.1.split(['/', ':']).next()?;
    let host = host.rsplit('@').next()?;
    let public = PUBLIC.iter().any(|public| host.ends_with(public));
    (host.contains('.') && !public).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        findings(
            &file,
            &["mirror.internal".to_owned(), "/tree/of/mine".to_owned()],
        )
        .len()
    }

    #[test]
    fn paths_and_mirrors_are_found_by_line() {
        let text = "see /tree/of/mine/README\nfine\nhttps://mirror.internal/simple\n";
        assert_eq!(found("a.md", text), 2);
    }

    #[test]
    fn lock_files_name_the_public_registries_only() {
        let ours = format!("source = \"{CARGO_REGISTRY}\"");
        assert_eq!(found("Cargo.lock", &ours), 0);
        assert_eq!(
            found("Cargo.lock", "source = \"registry+https://elsewhere/\""),
            1
        );
        assert_eq!(
            found(
                "web/package-lock.json",
                "  \"resolved\": \"https://elsewhere/a.tgz\","
            ),
            1
        );
        assert_eq!(found("a.rs", "source = \"registry+https://elsewhere/\""), 0);
    }

    #[test]
    fn only_hosts_that_not_everybody_knows_are_private() {
        assert_eq!(
            private_host("https://user@mirror.internal:8443/go").unwrap(),
            "mirror.internal"
        );
        assert_eq!(private_host("https://proxy.golang.org"), None);
        assert_eq!(private_host("direct"), None);
    }
}
