//! `dcm apply`: what files say becomes true, all at once.
//!
//! Documents and the actions that follow them are one request and so one commit. A document after an
//! action begins another request: files in which actions stand between documents mean an order.

use std::collections::HashSet;

use clap::Args;
use dcm_wire::apply::{AppliedEntry, AppliedList, ApplyEntry, ApplyResult};
use dcm_wire::views::FaultView;
use reqwest::Method;
use serde_json::json;

use super::FileArguments;
use crate::arguments::{OutputArguments, WaitArguments};
use crate::client::Path;
use crate::error::Error;
use crate::manifest::{self, Content, Manifest, path_of};
use crate::output::{Cell, Table, Tone};
use crate::run::Context;
use crate::status;

/// Arguments of `dcm apply`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Waiting for the logical clouds that are instantiated, updated or terminated.
    #[command(flatten)]
    wait: WaitArguments,

    /// Format.
    #[command(flatten)]
    output: OutputArguments,
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let manifests = manifest::read(&arguments.files.filename)?;
    let mut done: Vec<(&Manifest, AppliedEntry)> = Vec::new();
    let mut outcome = Ok(());
    for stretch in stretches(&manifests) {
        match send(context, stretch, arguments.dry_run).await {
            Ok(list) => done.extend(stretch.iter().zip(list.entries)),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
        if arguments.wait.wait && !arguments.dry_run {
            let first = done.len() - stretch.len();
            outcome = wait(context, &arguments.wait, &done[first..]).await;
            if outcome.is_err() {
                break;
            }
        }
    }
    if !done.is_empty() {
        show(context, &arguments, &done)?;
    }
    outcome
}

/// The requests that the documents are sent in.
fn stretches(manifests: &[Manifest]) -> Vec<&[Manifest]> {
    let mut stretches = Vec::new();
    let (mut begin, mut acted) = (0, HashSet::new());
    for (index, manifest) in manifests.iter().enumerate() {
        let another = match &manifest.content {
            Content::Document { .. } => !acted.is_empty(),
            Content::Action { cloud, .. } => acted.contains(cloud),
        };
        if another {
            stretches.push(&manifests[begin..index]);
            begin = index;
            acted.clear();
        }
        if let Content::Action { cloud, .. } = &manifest.content {
            acted.insert(cloud);
        }
    }
    stretches.push(&manifests[begin..]);
    stretches
}

async fn send(
    context: &Context<'_>,
    manifests: &[Manifest],
    dry_run: bool,
) -> Result<AppliedList, Error> {
    let entries: Vec<ApplyEntry> = manifests
        .iter()
        .map(|manifest| ApplyEntry {
            path: manifest.place(),
            document: match &manifest.content {
                Content::Document { document, .. } => Some(document.clone()),
                Content::Action { .. } => None,
            },
        })
        .collect();
    let query = if dry_run {
        vec![("dryRun", "true".to_owned())]
    } else {
        Vec::new()
    };
    let path = Path::new(&["apply"]);
    let answer = context
        .client
        .write_asking(Method::POST, &path, query, &entries)
        .await
        .map_err(|error| located(error, manifests))?;
    for warning in &answer.warnings {
        context.terminal.warn(warning);
    }
    answer.decode("applied list")
}

/// Names the place in the files instead of the index in the request.
fn located(error: Error, manifests: &[Manifest]) -> Error {
    let Error::Refused(mut problem) = error else {
        return error;
    };
    for fault in &mut problem.faults {
        locate(fault, manifests);
    }
    Error::Refused(problem)
}

fn locate(fault: &mut FaultView, manifests: &[Manifest]) {
    let Some((index, rest)) = fault
        .field
        .strip_prefix('[')
        .and_then(|field| field.split_once(']'))
    else {
        return;
    };
    let manifest = index
        .parse()
        .ok()
        .and_then(|index: usize| manifests.get(index));
    if let Some(manifest) = manifest {
        let inner = rest.strip_prefix(".document").unwrap_or(rest);
        let inner = inner.trim_start_matches('.');
        fault.field = match inner {
            "" => manifest.origin.to_string(),
            inner => format!("{}: {inner}", manifest.origin),
        };
    }
}

/// Waits for each logical cloud that was acted on.
async fn wait(
    context: &Context<'_>,
    arguments: &WaitArguments,
    done: &[(&Manifest, AppliedEntry)],
) -> Result<(), Error> {
    for (manifest, entry) in done {
        if let (Content::Action { cloud, action }, Some(generation)) =
            (&manifest.content, entry.generation)
            && action != "stop"
        {
            let path = path_of(cloud);
            status::reach(context, &path, (generation, arguments.timeout)).await?;
        }
    }
    Ok(())
}

fn show(
    context: &Context<'_>,
    arguments: &Arguments,
    done: &[(&Manifest, AppliedEntry)],
) -> Result<(), Error> {
    let entries: Vec<&AppliedEntry> = done.iter().map(|(_, entry)| entry).collect();
    let document = json!({"dryRun": arguments.dry_run, "entries": entries});
    let format = arguments.output.output;
    context.terminal.show(format, &document, |palette| {
        let mut table = Table::new(&["DOCUMENT", "RESULT", "FROM"]);
        for (manifest, entry) in done {
            let title = match &manifest.content {
                Content::Document { .. } => entry.path.clone(),
                Content::Action { .. } => manifest.title(),
            };
            let (tone, word) = word_of(entry, arguments.dry_run);
            let origin = &manifest.origin;
            table.row(vec![
                Cell::plain(title),
                Cell::new(tone, word),
                Cell::plain(format!("{}:{}", origin.file, origin.line)),
            ]);
        }
        Ok(table.render(palette))
    })
}

fn word_of(entry: &AppliedEntry, dry_run: bool) -> (Tone, String) {
    let (tone, word) = match entry.result {
        ApplyResult::Created => (Tone::Good, "created"),
        ApplyResult::Updated => (Tone::Busy, "updated"),
        ApplyResult::Unchanged => (Tone::Faint, "unchanged"),
        ApplyResult::Accepted => (Tone::Good, "accepted"),
    };
    (
        tone,
        if dry_run {
            format!("{word} (dry run)")
        } else {
            word.to_owned()
        },
    )
}
