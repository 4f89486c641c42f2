//! Files that no module names: they are not compiled, their tests never run, and nobody notices.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut known = BTreeSet::new();
    for target in tree
        .metadata
        .packages
        .iter()
        .chain(&tree.fuzz.packages)
        .flat_map(|package| &package.targets)
    {
        if let Ok(path) = target.src_path.as_std_path().strip_prefix(&tree.root) {
            follow(tree, path, true, &mut known);
        }
    }
    tree.rust_files()
        .filter(|file| !known.contains(Path::new(&file.path)))
        .map(|file| Finding {
            rule: "forgotten-file",
            path: file.path.clone(),
            message: "no `mod` names it, so it is not compiled".to_owned(),
        })
        .collect()
}

/// Marks `path` and all that its modules name. A crate's root looks beside itself, any other file
/// in the folder of its own name.
fn follow(tree: &Tree, path: &Path, is_root: bool, known: &mut BTreeSet<PathBuf>) {
    let Some(file) = tree.files.iter().find(|file| Path::new(&file.path) == path) else {
        return;
    };
    if !known.insert(path.to_owned()) {
        return;
    }
    let beside = path.parent().unwrap_or(Path::new("")).to_owned();
    let is_folder_root = is_root || path.ends_with("mod.rs");
    let below = if is_folder_root {
        beside.clone()
    } else {
        path.with_extension("")
    };
    for module in modules(&file.text) {
        match module {
            Module::Named(name) => {
                follow(tree, &below.join(format!("{name}.rs")), false, known);
                follow(tree, &below.join(name).join("mod.rs"), false, known);
            }
            Module::AtPath(path) => follow(tree, &beside.join(path), true, known),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Module<'a> {
    Named(&'a str),
    AtPath(&'a str),
}

/// `mod a;`, `pub(crate) mod a;`, and `#[path = "b.rs"]` in the line before, or an `include!`.
fn modules(text: &str) -> Vec<Module<'_>> {
    let mut found = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.strip_suffix("\"]");
        } else if let Some(rest) = line.strip_prefix("include!(\"") {
            found.extend(rest.split('"').next().map(Module::AtPath));
        } else if let Some(name) = declared(line) {
            found.push(path.take().map_or(Module::Named(name), Module::AtPath));
        }
    }
    found
}

fn declared(line: &str) -> Option<&str> {
    let words = line.strip_suffix(';')?;
    let name = match words.strip_prefix("mod ") {
        Some(name) => name,
        None if words.starts_with("pub") => words.split_once(" mod ")?.1,
        None => return None,
    };
    Some(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_of_all_forms_are_seen() {
        let text = "mod a;\npub mod b;\npub(crate) mod c;\n#[cfg(test)]\nmod d;\n\
                    #[path = \"other.rs\"]\nmod e;\nmod f {\n}\n// mod g;\nuse super::mod_h;\n";
        let named = ["a", "b", "c", "d"].map(Module::Named);
        let mut expected = Vec::from(named);
        expected.push(Module::AtPath("other.rs"));
        assert_eq!(modules(text), expected);
    }
}
