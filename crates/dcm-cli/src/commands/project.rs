//! `dcm project`: the tenants.

use clap::{Args, Subcommand};
use dcm_wire::documents::ProjectDocument;

use crate::arguments::{MetadataArguments, OutputArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::output::Cell;
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm project`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Format.
    #[command(flatten)]
    output: OutputArguments,

    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a project
    Create {
        /// Name of the project
        #[arg(value_parser = segment)]
        name: String,
        #[command(flatten)]
        metadata: MetadataArguments,
    },
    /// Show a project
    Get {
        /// Name of the project
        #[arg(value_parser = segment)]
        name: String,
    },
    /// List all projects
    List,
    /// Delete a project; it must have no logical clouds
    Delete {
        /// Name of the project
        #[arg(value_parser = segment)]
        name: String,
    },
}

struct Project;

impl Noun for Project {
    type Document = ProjectDocument;
    const NAME: &'static str = "project";
    const HEADER: &'static [&'static str] = &["NAME", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(&document.metadata.description),
        ]
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    let all = Path::new(&["projects"]);
    match arguments.action {
        Action::Create { name, metadata } => {
            let document = ProjectDocument {
                metadata: metadata.named(&name),
            };
            resource::create::<Project>(context, format, (&all, &name), &document).await
        }
        Action::Get { name } => resource::get::<Project>(context, format, &all.join(&name)).await,
        Action::List => resource::list::<Project>(context, format, &all).await,
        Action::Delete { name } => {
            resource::delete::<Project>(context, &all.join(&name), &name).await
        }
    }
}
