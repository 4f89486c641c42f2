//! Tests of the wire shapes: tables of bad names, spellings that are accepted, and what is shown.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_names;
mod spellings;
mod views;
