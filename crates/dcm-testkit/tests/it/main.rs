//! Tests of the testkit against real control planes: one binary, one file per topic.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what only tests call may panic and print too"
)]

mod conformance;
mod lifetime;
mod mesh;
mod operation;
mod processes;
mod proxy;
mod simulated;
