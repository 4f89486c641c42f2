//! The whole program against real control planes: over REST, through the binary and its files.

mod canary;
mod client_key;
pub(crate) mod harness;
mod killed;
mod plugin;
mod revocation;
mod slices;
