//! The table of EMCO's faults in the documentation names tests that exist, and every fault has one.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All sources of tests, in one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_fault_of_emco_has_tests_and_they_exist() {
    let page = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let mut code = String::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let tests = entry.unwrap().path().join("tests/it");
        if tests.is_dir() {
            sources(&tests, &mut code);
        }
    }
    for number in 1..=17 {
        let start = format!("| F{number} |");
        let mut rows = page.lines().filter(|line| line.starts_with(&start));
        let row = rows.next().unwrap_or_else(|| panic!("no row of F{number}"));
        assert!(rows.next().is_none(), "two rows of F{number}");
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "F{number} names no test");
        for name in names {
            let function = name.rsplit("::").next().unwrap();
            assert!(code.contains(&format!("fn {function}(")), "no test {name}");
        }
    }
}
