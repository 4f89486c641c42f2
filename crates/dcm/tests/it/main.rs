//! Tests of the binary as people and scripts use it: output, exit codes, files, signals.

mod answers;
mod configuration;
mod documents;
mod environment;
mod example_file;
mod fake_server;
mod help;
mod resources;
mod serving;
mod waiting;
