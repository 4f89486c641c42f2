//! Tests of the binary as people and scripts use it: output, exit codes, files, signals.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step of a test ends the test"
)]

mod answers;
mod authorities;
mod bundles;
mod configuration;
mod documents;
mod environment;
mod example_file;
mod fake_server;
mod faults;
mod files;
mod help;
mod key_canaries;
mod members;
mod resources;
mod serving;
mod traces;
mod waiting;
