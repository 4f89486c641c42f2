//! Integration tests: tables of bad input, oracles (`openssl`, `kubectl`), and hostile bytes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test panics, in its helpers too"
)]

mod accepted;
mod authority;
mod bundle;
mod certificate;
mod everywhere;
mod generate;
mod hierarchy;
mod hostile;
mod kubeconfig_table;
mod openssl;
mod parts;
mod program;
mod rows;
mod sample;
mod servers;
mod tenant;
