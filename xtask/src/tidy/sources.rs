//! Rust files: each says in its first line what it is, and none grows beyond what can be held.

use super::{Finding, TextFile, Tree};

const PRODUCTION_LIMIT: usize = 600;
const INLINE_TEST_LIMIT: usize = 400;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust_files().flat_map(findings).collect()
}

fn findings(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut tell = |rule, message| {
        findings.push(Finding {
            rule,
            path: file.path.clone(),
            message,
        });
    };
    let first = file.text.lines().next().unwrap_or_default();
    if first
        .strip_prefix("//! ")
        .is_none_or(|words| words.trim().is_empty())
    {
        tell(
            "first-line",
            "must begin with a `//!` line that says what the file is".to_owned(),
        );
    }
    let lines = Lines::of(&file.text);
    if lines.production > PRODUCTION_LIMIT {
        let count = lines.production;
        tell(
            "file-size",
            format!("{count} lines without tests, {PRODUCTION_LIMIT} at most"),
        );
    }
    if lines.inline_tests > INLINE_TEST_LIMIT {
        let count = lines.inline_tests;
        tell(
            "file-size",
            format!("{count} lines of inline tests, {INLINE_TEST_LIMIT} at most"),
        );
    }
    for attribute in ["#[ignore", "#[should_panic"] {
        if file
            .text
            .lines()
            .any(|line| line.trim_start().starts_with(attribute))
        {
            tell(
                "test-attribute",
                format!("`{attribute}]` hides what a test says"),
            );
        }
    }
    findings
}

/// Lines of a file by what they are for.
#[derive(Debug, PartialEq)]
struct Lines {
    production: usize,
    inline_tests: usize,
}

impl Lines {
    /// Relies on the formatter: a module at the left edge ends with a brace at the left edge.
    fn of(text: &str) -> Self {
        let (mut production, mut inline_tests) = (0, 0);
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let opens = |next: &&str| next.starts_with("mod ") && next.ends_with('{');
            if line == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
                inline_tests += 1;
                for line in lines.by_ref() {
                    inline_tests += 1;
                    if line == "}" {
                        break;
                    }
                }
            } else {
                production += 1;
            }
        }
        Self {
            production,
            inline_tests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let file = TextFile {
            path: "a.rs".to_owned(),
            text: text.to_owned(),
        };
        findings(&file).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn inline_tests_are_counted_apart() {
        let text =
            "//! A.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        assert_eq!(
            Lines::of(text),
            Lines {
                production: 3,
                inline_tests: 5
            }
        );
    }

    #[test]
    fn a_file_without_a_first_line_is_told() {
        assert_eq!(rules("//! A sentence.\n"), [""; 0]);
        for text in [
            "",
            "use std::fs;\n",
            "//!\n",
            "\n//! Too late.\n",
            "// Not documentation.\n",
        ] {
            assert_eq!(rules(text), ["first-line"], "{text:?}");
        }
    }

    #[test]
    fn sizes_have_an_end() {
        let lines = |count| "\n".repeat(count);
        assert_eq!(rules(&format!("//! A.\n{}", lines(599))), [""; 0]);
        assert_eq!(rules(&format!("//! A.\n{}", lines(600))), ["file-size"]);
        let tests = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", lines(398));
        assert_eq!(rules(&tests), ["file-size"]);
    }
}
