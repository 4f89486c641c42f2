//! The `dcm` binary: reads the command line, and runs the server or a command of the client.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use dcm::arguments::{Arguments, Command, ConfigArguments, ConfigCommand};
use dcm::config::{self, Loaded};
use dcm_cli::Code;

fn main() -> ExitCode {
    let began = Instant::now();
    let arguments = Arguments::parse();
    let code = match arguments.command {
        Command::Serve(sources) => with_config(&sources, |loaded| serve(loaded, began)),
        Command::Config(ConfigCommand::Show(sources)) => {
            with_config(&sources, |loaded| show(&loaded))
        }
        Command::Client(command) => {
            let root = Arguments::command();
            match client_runtime() {
                Ok(runtime) => runtime.block_on(dcm_cli::run(*command, &arguments.client, root)),
                Err(error) => failed(&error, Code::Failed),
            }
        }
    };
    ExitCode::from(code.number())
}

/// Runs with the configuration. One that is refused is a wrong use, like a wrong command line.
fn with_config(sources: &ConfigArguments, run: impl FnOnce(Loaded) -> anyhow::Result<()>) -> Code {
    match config::load(&config::sources(sources)) {
        Err(error) => failed(&error.into(), Code::Usage),
        Ok(loaded) => match run(loaded) {
            Ok(()) => Code::Done,
            Err(error) => failed(&error, Code::Failed),
        },
    }
}

fn failed(error: &anyhow::Error, code: Code) -> Code {
    // Nobody can be told when standard error is gone.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    code
}

fn show(loaded: &Loaded) -> anyhow::Result<()> {
    let text = loaded.config.to_toml().context("write the configuration")?;
    let origins = if loaded.origins.is_empty() {
        "the defaults".to_owned()
    } else {
        format!("the defaults, {}", loaded.origins.join(", "))
    };
    writeln!(io::stderr(), "# from {origins}").context("write to standard error")?;
    io::stdout()
        .write_all(text.as_bytes())
        .context("write to standard output")
}

fn serve(loaded: Loaded, began: Instant) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("dcm")
        .build()
        .context("start the runtime")?;
    let outcome = runtime.block_on(dcm::serve::until_signal(loaded, began));
    // What did not end in time is left behind; the store has everything that was acknowledged.
    runtime.shutdown_background();
    outcome
}

/// A client waits for one answer at a time.
fn client_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")
}
