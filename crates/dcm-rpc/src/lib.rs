//! The CA controller between processes: gRPC over a unix socket, with the port of `dcm_types::ca` on both sides.
//!
//! ```text
//!   caller -> Client (the port) -> convert -> v1 (generated) ~ socket ~ v1 -> convert -> server -> the controller
//!
//!   client    the port over a connection: deadlines, repetition, hints that reconnect
//!   server    calls to the controller behind it; its end
//!   socket    a file that only we can open, and who is at the other end
//!   status    kinds of errors and statuses of gRPC, both ways
//!   convert   types of the port and of the wire, both ways
//! ```
//!
//! Invariants: a caller cannot tell a [`Client`] from the controller itself. Every call has a deadline and every
//! message a bound. What is read off the wire goes through the constructors of its types again. A key is written
//! in two conversions only, and is never printed; the buffers of the wire are not wiped when they are dropped.
//!
//! Tests: `tests/it`; one suite for the port, run against a controller and against a client of it.

mod client;
mod convert;
mod server;
mod socket;
mod status;

#[path = "generated/dcm.ca.v1.rs"]
#[rustfmt::skip]
#[expect(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code; it is compared with its description by a test"
)]
pub mod v1;

pub use client::Client;
pub use server::serve;
pub use socket::{Error, Socket};
