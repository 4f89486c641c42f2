//! `dcm apply -f`, `dcm get -f`, `dcm delete -f`: documents in files.

mod apply;
mod delete;
mod get;

use std::path::PathBuf;

use clap::Args;

pub use apply::Arguments as ApplyArguments;
pub use delete::Arguments as DeleteArguments;
pub use get::Arguments as GetArguments;

pub(crate) use apply::run as apply;
pub(crate) use delete::run as delete;
pub(crate) use get::run as get;

/// Which files.
#[derive(Debug, Args)]
pub(super) struct FileArguments {
    /// A file of documents in YAML or JSON, a folder of such files, or `-` for standard input; may be
    /// repeated
    #[arg(
        short,
        long = "filename",
        value_name = "FILE",
        required = true,
        value_hint = clap::ValueHint::AnyPath
    )]
    pub(super) filename: Vec<PathBuf>,
}
