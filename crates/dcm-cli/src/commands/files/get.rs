//! `dcm get`: how what files name is stored now.

use clap::Args;
use serde_json::Value;

use super::FileArguments;
use crate::arguments::OutputArguments;
use crate::error::Error;
use crate::manifest::{self, Content};
use crate::output::{Cell, Table, Tone};
use crate::resource::is_missing;
use crate::run::Context;

/// Arguments of `dcm get`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// Format.
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let manifests = manifest::read(&arguments.files.filename)?;
    let mut table = Table::new(&["DOCUMENT", "STATE", "FROM"]);
    let (mut found, mut missing) = (Vec::new(), 0);
    for manifest in &manifests {
        if matches!(manifest.content, Content::Action { .. }) {
            continue;
        }
        let state = match manifest.path() {
            None => (Tone::Faint, "without a name"),
            Some(path) => match context.client.get(&path).await {
                Ok(answer) => {
                    found.push(answer.document);
                    (Tone::Good, "present")
                }
                Err(error) if is_missing(&error) => {
                    missing += 1;
                    (Tone::Bad, "absent")
                }
                Err(error) => return Err(error),
            },
        };
        table.row(vec![
            Cell::plain(manifest.title()),
            Cell::new(state.0, state.1),
            Cell::plain(format!("{}:{}", manifest.origin.file, manifest.origin.line)),
        ]);
    }
    let format = arguments.output.output;
    context
        .terminal
        .show(format, &Value::Array(found), |palette| {
            Ok(table.render(palette))
        })?;
    match missing {
        0 => Ok(()),
        missing => Err(Error::Absent { missing }),
    }
}
