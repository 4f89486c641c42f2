//! `cargo xtask`: everything a developer or a build machine runs on this repository.
//!
//! One file per command in [`commands`]; to add a command, add a file there and a line to
//! [`commands::Task`]. Commands print through [`output`] and time their parts with [`parts`].

mod commands;
mod http;
mod output;
mod parts;
mod serve;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

/// Tasks of this repository.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Option<commands::Task>,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Some(task) => task.run(),
        None => list_commands(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output::warn(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn list_commands() -> anyhow::Result<ExitCode> {
    Arguments::command().print_help()?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_with_a_line_that_says_what_it_does() {
        let mut command = Arguments::command();
        command.build();
        for task in command.get_subcommands() {
            assert!(
                task.get_about().is_some(),
                "{} has no line",
                task.get_name()
            );
        }
        command.debug_assert();
    }
}
