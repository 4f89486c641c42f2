//! The direct connection to a member, against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends the test")]

mod connection;
