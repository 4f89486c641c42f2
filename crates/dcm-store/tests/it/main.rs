//! Tests of the store: the conformance suite on each backend, and what is particular to one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod memory;
mod mongodb;
mod mongodb_server;
mod sqlite;
mod sqlite_crash;
mod sqlite_file;
mod staged;
mod vault;
