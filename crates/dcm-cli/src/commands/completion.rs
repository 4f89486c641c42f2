//! `dcm completion`: scripts with which a shell completes commands and flags.

use clap::Args;
use clap_complete::Shell;

use crate::error::Error;
use crate::output::Terminal;

/// Arguments of `dcm completion`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(
    arguments: &Arguments,
    mut root: clap::Command,
    terminal: &Terminal,
) -> Result<(), Error> {
    let name = root.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut root, name, &mut script);
    terminal.data(&String::from_utf8_lossy(&script))
}
