//! The client commands of `dcm`: everything that talks to a running server, and to the terminal.
//!
//! ```text
//!   arguments        what commands share on the command line      commands::*  one file per noun
//!   client, problem  HTTP, and the errors that the server tells   resource, family  create, get, list, delete
//!   status           the live table and the end of waiting        output       terminal, tables, colours
//!   manifest         documents in files, in two forms
//!   error, exit      what went wrong; exit code and hint          reference    docs/cli.md out of clap
//! ```
//!
//! Invariants: data goes to standard output, everything else to standard error; text of a server or
//! of a cluster reaches a terminal without control characters; a credential is read from a file or
//! from standard input only, and written to files that only their owner can read (T37).

pub mod arguments;
mod client;
pub mod commands;
mod error;
mod exit;
mod family;
mod file;
mod manifest;
mod output;
mod problem;
pub mod reference;
mod resource;
mod run;
mod status;

pub use arguments::ClientArguments;
pub use commands::Command;
pub use exit::Code;
pub use run::run;
