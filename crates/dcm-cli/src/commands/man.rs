//! `dcm man`: manual pages.

use std::path::PathBuf;

use clap::Args;

use crate::error::Error;
use crate::output::Terminal;

/// Arguments of `dcm man`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A folder for one page per command; without it, the page of `dcm` itself is printed
    #[arg(value_name = "DIRECTORY", value_hint = clap::ValueHint::DirPath)]
    directory: Option<PathBuf>,
}

pub(crate) fn run(
    arguments: &Arguments,
    root: clap::Command,
    terminal: &Terminal,
) -> Result<(), Error> {
    // Pages do not depend on the environment or on the width of the terminal.
    let root = root.disable_help_subcommand(true);
    let Some(directory) = &arguments.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(root)
            .render(&mut page)
            .map_err(Error::Output)?;
        return terminal.data(&String::from_utf8_lossy(&page));
    };
    let written =
        std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(root, directory));
    written.map_err(|source| Error::WriteFile {
        path: directory.clone(),
        source,
    })
}
