//! Reads what `cargo test` prints, and keeps the numbers.

use super::programs::Programs;
use crate::output;

/// What is known of all test programs that have run.
#[derive(Default)]
pub(super) struct Summary {
    programs: Programs,
    /// The program that has begun, until its result line.
    running: Option<String>,
    results: Vec<String>,
    passed: u64,
    failed: u64,
}

impl Summary {
    pub(super) fn of(programs: Programs) -> Self {
        Self {
            programs,
            ..Self::default()
        }
    }

    pub(super) fn read(&mut self, line: &str) {
        if let Some(program) = self.program(line) {
            self.close_unfinished();
            self.running = Some(program);
        } else if let Some((passed, failed)) = numbers(line) {
            self.passed += passed;
            self.failed += failed;
            if let Some(program) = self.running.take() {
                // Programs without tests would only bury the others.
                if passed + failed > 0 {
                    self.results.push(format!("{program}: {}", line.trim()));
                }
            }
        }
    }

    /// At the end of the output. A failure that no result line tells of must show in the numbers.
    pub(super) fn finish(&mut self, succeeded: bool) {
        self.close_unfinished();
        if !succeeded && self.failed == 0 {
            self.failed = 1;
            self.results
                .push("cargo test failed outside of any test".to_owned());
        }
    }

    /// The runner's own summary lines, each with the program it is about.
    pub(super) fn report(&self) {
        output::say("");
        self.results.iter().for_each(output::say);
        output::say("");
    }

    pub(super) fn last_line(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }

    /// `Running unittests src/lib.rs (target/debug/deps/dcm_types-0123)`, `Doc-tests dcm_types`.
    fn program(&self, line: &str) -> Option<String> {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("Doc-tests ") {
            return Some(format!("{name} (documentation)"));
        }
        let (source, path) = line.strip_prefix("Running ")?.split_once(" (")?;
        let file = path.trim_end_matches(')').rsplit('/').next()?;
        let name = self.programs.get(file).map_or(file, String::as_str);
        let source = source.trim_start_matches("unittests ");
        Some(format!("{name} ({source})"))
    }

    /// A program that aborts, or is killed, prints no result.
    fn close_unfinished(&mut self) {
        if let Some(program) = self.running.take() {
            self.failed += 1;
            self.results
                .push(format!("{program}: ended without a result"));
        }
    }
}

/// `test result: ok. 18 passed; 0 failed; 0 ignored; ...`
fn numbers(line: &str) -> Option<(u64, u64)> {
    let counts = line.trim().strip_prefix("test result: ")?;
    let count = |what: &str| {
        let before = counts.split_once(what)?.0;
        before
            .rsplit(' ')
            .find(|word| !word.is_empty())?
            .parse()
            .ok()
    };
    Some((count(" passed;")?, count(" failed;")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str], succeeded: bool) -> Summary {
        let file = "dcm_types-c0cef8d3017a3de6".to_owned();
        let mut summary = Summary::of(Programs::from([(file, "dcm-types".to_owned())]));
        for line in lines {
            summary.read(line);
        }
        summary.finish(succeeded);
        summary
    }

    #[test]
    fn numbers_are_added_over_all_programs() {
        let summary = read(
            &[
                "     Running unittests src/lib.rs (target/debug/deps/dcm_types-c0cef8d3017a3de6)",
                "test result: ok. 18 passed; 0 failed; 0 ignored; 0 measured; finished in 0.02s",
                "     Running tests/it/main.rs (target/debug/deps/it-d95e8c2d77cd5461)",
                "test result: FAILED. 10 passed; 1 failed; 2 ignored; finished in 23.58s",
                "   Doc-tests dcm_types",
                "test result: ok. 0 passed; 0 failed; 0 ignored; finished in 0.00s",
            ],
            false,
        );
        assert_eq!(summary.last_line(), "28 passed, 1 failed");
        assert_eq!(summary.results.len(), 2);
        assert!(summary.results[0].starts_with("dcm-types (src/lib.rs): test result: ok."));
    }

    #[test]
    fn a_program_that_dies_counts_as_a_failure() {
        let summary = read(
            &[
                "     Running unittests src/lib.rs (target/debug/deps/dcm_types-c0cef8d3017a3de6)",
                "     Running unittests src/lib.rs (target/debug/deps/dcm_wire-c0cef8d3017a3de6)",
                "test result: ok. 2 passed; 0 failed; finished in 0.02s",
            ],
            false,
        );
        assert_eq!(summary.last_line(), "2 passed, 1 failed");
        assert_eq!(
            summary.results[0],
            "dcm-types (src/lib.rs): ended without a result"
        );
    }

    #[test]
    fn a_failure_of_cargo_itself_is_not_hidden_by_the_numbers() {
        assert_eq!(read(&[], false).last_line(), "0 passed, 1 failed");
        assert_eq!(read(&[], true).last_line(), "0 passed, 0 failed");
    }
}
