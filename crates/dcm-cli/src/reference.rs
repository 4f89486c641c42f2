//! The reference page of the command line (`docs/cli.md`), made out of what clap knows.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};

/// The page of a command and everything below it, in Markdown.
pub fn render(mut root: Command) -> String {
    root.build();
    let mut page = String::from(
        "# Command line of `dcm`\n\n\
         <!-- Generated from the program; a test of the crate `dcm` says how to renew it. -->\n\n\
         Exit codes: 0 done; 1 refused or failed; 2 the command line is wrong; 3 timed out, or a member\n\
         needs attention. Data goes to standard output, everything else to standard error.\n",
    );
    page.push_str(&globals(&root));
    section(&mut page, &root, &[]);
    page
}

/// What every command takes, told once.
fn globals(root: &Command) -> String {
    let mut text = String::from("\nEvery command takes these options:\n\n");
    for argument in root.get_arguments().filter(|a| a.is_global_set()) {
        text.push_str(&line(argument));
    }
    text
}

fn section(page: &mut String, command: &Command, above: &[&Command]) {
    let mut path: Vec<&str> = above.iter().map(|command| command.get_name()).collect();
    path.push(command.get_name());
    if command.get_name() == "help" {
        return;
    }
    let _ = writeln!(page, "\n## `{}`\n", path.join(" "));
    page.push_str(&sentence(
        command.get_long_about().or_else(|| command.get_about()),
    ));
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        let _ = write!(page, " (also `{}`)", aliases.join("`, `"));
    }
    page.push_str("\n\n");
    if command.has_subcommands() {
        for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
            let about = sentence(child.get_about());
            let _ = writeln!(page, "- `{}`: {about}", child.get_name());
        }
    } else {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").trim();
        let _ = writeln!(page, "```text\n{usage}\n```");
        let mut lines = command
            .get_arguments()
            .filter(|a| is_own(a, above))
            .map(line)
            .peekable();
        if lines.peek().is_some() {
            page.push('\n');
            page.extend(lines);
        }
    }
    let mut below: Vec<&Command> = above.to_vec();
    below.push(command);
    for child in command.get_subcommands() {
        section(page, child, &below);
    }
}

/// Whether an argument is to be told here: not help, and not what the root takes.
fn is_own(argument: &Arg, above: &[&Command]) -> bool {
    let of_root = above.first().is_some_and(|root| {
        root.get_arguments()
            .any(|a| a.get_id() == argument.get_id())
    });
    let help = matches!(
        argument.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    !of_root && !help
}

fn line(argument: &Arg) -> String {
    let mut text = format!("- `{}`", spelling(argument));
    let help = sentence(argument.get_help());
    if !help.is_empty() {
        let _ = write!(text, ": {help}");
    }
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() && argument.get_action().takes_values() {
        let _ = write!(text, "; one of {}", values.join(", "));
    }
    let defaults: Vec<_> = argument.get_default_values().iter().collect();
    if !defaults.is_empty() && !argument.is_hide_default_value_set() {
        let shown: Vec<String> = defaults
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        if shown.iter().any(|value| value != "``") && argument.get_action().takes_values() {
            let _ = write!(text, "; default {}", shown.join(", "));
        }
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, "; environment `{}`", variable.to_string_lossy());
    }
    text.push('\n');
    text
}

/// An argument as it is written: `-o, --output <FORMAT>`.
fn spelling(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .map(|names| {
            names
                .iter()
                .map(|name| format!("<{name}>"))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .filter(|_| argument.get_action().takes_values())
        .unwrap_or_default();
    let mut flags = Vec::new();
    if let Some(short) = argument.get_short() {
        flags.push(format!("-{short}"));
    }
    if let Some(long) = argument.get_long() {
        flags.push(format!("--{long}"));
    }
    let flags = flags.join(", ");
    match (flags.is_empty(), value.is_empty()) {
        (true, true) => argument.get_id().to_string(),
        (true, false) => value,
        (false, true) => flags,
        (false, false) => format!("{flags} {value}"),
    }
}

fn sentence(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
