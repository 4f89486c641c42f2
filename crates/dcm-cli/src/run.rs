//! Runs a client command, and says how it ended.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use crate::arguments::ClientArguments;
use crate::client::Client;
use crate::commands::{self, Command};
use crate::error::Error;
use crate::exit::{self, Code};
use crate::output::{Terminal, Tone, printable};

/// What every command gets.
pub(crate) struct Context<'a> {
    /// The server.
    pub(crate) client: Client,
    /// The terminal.
    pub(crate) terminal: &'a Terminal,
}

/// Runs a client command to its end. Errors are told on standard error; `root` is the whole command
/// line, for completion scripts.
pub async fn run(command: Command, arguments: &ClientArguments, root: clap::Command) -> Code {
    let terminal = Terminal::new(arguments.color);
    let outcome = match command {
        Command::Completion(completion) => commands::completion::run(&completion, root, &terminal),
        Command::Ca(arguments) if arguments.is_alone() => {
            commands::ca::run_alone(&arguments, &terminal)
        }
        Command::Man(man) => commands::man::run(&man, root, &terminal),
        command => talk(command, &arguments.server, &terminal).await,
    };
    match outcome {
        Ok(()) => Code::Done,
        // Whoever read our output has seen enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Code::Done,
        Err(error) => {
            tell(&error, &terminal);
            exit::code(&error)
        }
    }
}

async fn talk(command: Command, server: &str, terminal: &Terminal) -> Result<(), Error> {
    let client = Client::new(server)?;
    commands::run(command, &Context { client, terminal }).await
}

/// The error with its causes, its faults line by line, and what to do.
fn tell(error: &Error, terminal: &Terminal) {
    let palette = terminal.note_palette;
    let word = palette.paint(Tone::Bad, "error:");
    terminal.note(&format!("{word} {}", printable(&reason(error))));
    if let Error::Refused(problem) = error {
        for fault in &problem.faults {
            terminal.note(&format!("  {}", fault_line(fault)));
        }
    }
    if let Error::Manifests(faults) = error {
        for fault in faults {
            terminal.note(&format!("  {}", printable(fault)));
        }
    }
    if let Some(hint) = exit::hint(error) {
        let word = palette.paint(Tone::Strong, "hint:");
        terminal.note(&format!("{word} {}", printable(&hint)));
    }
}

/// The error and its first cause; what lies between is about libraries, not about the user.
fn reason(error: &Error) -> String {
    let mut cause: Option<&dyn StdError> = None;
    let mut next = error.source();
    while let Some(source) = next {
        cause = Some(source);
        next = source.source();
    }
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn fault_line(fault: &dcm_wire::views::FaultView) -> String {
    let mut line = format!("{}: {}", fault.field, fault.rule);
    if !fault.got.is_empty() {
        let _ = write!(line, ", got '{}'", fault.got);
    }
    if let Some(hint) = &fault.hint {
        let _ = write!(line, " ({hint})");
    }
    printable(&line)
}

#[cfg(test)]
mod tests {
    use super::fault_line;
    use dcm_wire::views::FaultView;

    #[test]
    fn fault_names_field_rule_value_and_hint_on_one_line() {
        let fault = FaultView {
            field: "spec.namespace".to_owned(),
            rule: "must be an RFC 1123 label".to_owned(),
            got: "Tenant\nA".to_owned(),
            hint: Some("use lower-case letters".to_owned()),
        };
        assert_eq!(
            fault_line(&fault),
            "spec.namespace: must be an RFC 1123 label, got 'Tenant A' (use lower-case letters)"
        );
    }
}
