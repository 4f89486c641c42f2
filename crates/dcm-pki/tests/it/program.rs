//! Runs a program of the machine as an oracle.

use std::process::Command;

/// Runs it and gives its standard output; anything but success fails the test, with what to do.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(error) => panic!(
            "`{program}` cannot be run ({error}); these tests use it as an oracle: install it"
        ),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap() + &errors
}
