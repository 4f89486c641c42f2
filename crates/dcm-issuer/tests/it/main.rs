//! Tests of the issuers: the real controller, and an issuer on a socket that signs, and fails as told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod settings;
mod signs;
mod world;
