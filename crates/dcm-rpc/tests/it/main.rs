//! Tests of the CA controller over gRPC: the port against a controller, and against a client of it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bad_input;
mod contract;
mod fake;
mod generated;
mod lost;
mod real;
mod samples;
mod sockets;
mod wire;
