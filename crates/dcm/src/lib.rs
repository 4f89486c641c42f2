//! The process: command line, configuration, telemetry, and how the roles are put together.
//!
//! ```text
//!   arguments     the whole command line            config      file, environment, flags; who knows what
//!   serve         the roles in one process          ca, issuer, listener, data_directory, occupancy, telemetry,
//!                                               traces, system, signals
//! ```
//!
//! Invariants: the environment is read here and nowhere else; no setting is ignored in silence; no
//! secret is ever printed. It is a library so that tests can put a server together.

pub mod arguments;
pub mod ca;
pub mod config;
pub mod data_directory;
pub mod issuer;
pub mod listener;
mod occupancy;
pub mod serve;
pub mod signals;
pub mod system;
pub mod telemetry;
pub mod traces;
