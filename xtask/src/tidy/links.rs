//! Links between the pages of the documentation: what a page points to must be there.

use std::path::{Component, Path, PathBuf};

use super::{Finding, TextFile, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let pages = tree
        .files
        .iter()
        .filter(|file| Path::new(&file.path).extension() == Some("md".as_ref()));
    pages
        .flat_map(|page| findings(page, |path| tree.root.join(path).exists()))
        .collect()
}

fn findings(page: &TextFile, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(page.text.lines()) {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        for target in targets(line) {
            if !resolve(&page.path, target).is_some_and(|path| exists(&path)) {
                findings.push(Finding {
                    rule: "link",
                    path: page.path.clone(),
                    message: format!("line {number} points to {target}, which is not there"),
                });
            }
        }
    }
    findings
}

/// What the links of a line point to within the work tree, without the part after `#`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

/// The path relative to the work tree; `None` when it leads out of it.
fn resolve(page: &str, target: &str) -> Option<PathBuf> {
    let mut path = Path::new(page).parent()?.to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let page = TextFile {
            path: "docs/adr/README.md".to_owned(),
            text: text.to_owned(),
        };
        let there = ["docs/cli.md", "docs/adr/a.md"].map(Path::new);
        findings(&page, |path| there.contains(&path)).len()
    }

    #[test]
    fn a_link_to_a_page_that_is_there_is_fine() {
        assert_eq!(
            found("[a](a.md), [cli](../cli.md#dcm-serve), [a](./a.md)"),
            0
        );
    }

    #[test]
    fn a_link_to_nothing_is_told() {
        for text in [
            "[b](b.md)",
            "[a](a.md) [c](../adr/c.md)",
            "[out](../../../x.md)",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn addresses_places_in_the_page_and_code_are_left_alone() {
        let text = "[x](https://example.com/a) [y](#there)\n```text\n[b](b.md)\n```\n";
        assert_eq!(found(text), 0);
    }
}
