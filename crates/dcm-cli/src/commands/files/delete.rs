//! `dcm delete`: what files name goes, last things first. What was instantiated is terminated, and
//! waited for, because what is in use cannot be deleted.

use std::time::Duration;

use clap::Args;
use dcm_wire::views::Accepted;

use super::FileArguments;
use crate::arguments::duration;
use crate::error::Error;
use crate::manifest::{self, Content, Manifest, path_of};
use crate::output::{Cell, Table, Tone};
use crate::resource::is_missing;
use crate::run::Context;
use crate::status;

/// Arguments of `dcm delete`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// How long to wait at most for each logical cloud that is terminated
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    timeout: Duration,
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let manifests = manifest::read(&arguments.files.filename)?;
    let mut table = Table::new(&["DOCUMENT", "RESULT", "FROM"]);
    let mut outcome = Ok(());
    for manifest in manifests.iter().rev() {
        match undo(context, manifest, arguments.timeout).await {
            Ok(None) => {}
            Ok(Some((tone, word))) => table.row(vec![
                Cell::plain(manifest.title()),
                Cell::new(tone, word),
                Cell::plain(format!("{}:{}", manifest.origin.file, manifest.origin.line)),
            ]),
            Err(error) => {
                context
                    .terminal
                    .note(&format!("{}: {}", manifest.origin, manifest.title()));
                outcome = Err(error);
                break;
            }
        }
    }
    context
        .terminal
        .data(&table.render(context.terminal.data_palette))?;
    outcome
}

/// Undoes a document; `None` when there is nothing to undo.
async fn undo(
    context: &Context<'_>,
    manifest: &Manifest,
    timeout: Duration,
) -> Result<Option<(Tone, &'static str)>, Error> {
    match &manifest.content {
        Content::Action { cloud, action } if matches!(action.as_str(), "instantiate" | "apply") => {
            let path = path_of(cloud);
            let answer = match context.client.act(&path.join("terminate")).await {
                Err(error) if is_missing(&error) => return Ok(Some(ABSENT)),
                outcome => outcome?,
            };
            let accepted: Accepted = answer.decode("accepted action")?;
            status::reach(context, &path, (accepted.generation, timeout)).await?;
            Ok(Some((Tone::Good, "terminated")))
        }
        Content::Action { .. } => Ok(None),
        Content::Document { .. } => {
            let path = manifest.path().ok_or_else(|| {
                let fault = format!("{}: has no name", manifest.origin);
                Error::Manifests(vec![fault])
            })?;
            match context.client.delete(&path).await {
                Err(error) if is_missing(&error) => Ok(Some(ABSENT)),
                Err(error) => Err(error),
                Ok(answer) if answer.status == 202 => Ok(Some((Tone::Busy, "being deleted"))),
                Ok(_) => Ok(Some((Tone::Good, "deleted"))),
            }
        }
    }
}

const ABSENT: (Tone, &str) = (Tone::Faint, "absent already");
