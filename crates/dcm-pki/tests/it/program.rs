//! Runs a program of the machine as an oracle.

use std::process::Command;

/// What a program said.
pub(crate) struct Said {
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs a command line (its words hold no blanks); anything but success fails the test, with what to
/// do.
pub(crate) fn run(command: &str) -> Said {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap();
    let result = match Command::new(program).args(words).output() {
        Ok(result) => result,
        Err(error) => {
            panic!(
                "`{program}` cannot be run ({error}): these tests use it as an oracle, install it"
            )
        }
    };
    let said = Said {
        output: String::from_utf8(result.stdout).unwrap(),
        errors: String::from_utf8_lossy(&result.stderr).into_owned(),
    };
    assert!(result.status.success(), "{command}: {}", said.errors);
    said
}
