//! `dcm provider`: groups of clusters.

use clap::{Args, Subcommand};
use dcm_wire::documents::ProviderDocument;

use crate::arguments::{MetadataArguments, OutputArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::output::Cell;
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm provider`.
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
    /// Create a provider
    Create {
        /// Name of the provider
        #[arg(value_parser = segment)]
        name: String,
        #[command(flatten)]
        metadata: MetadataArguments,
    },
    /// Show a provider
    Get {
        /// Name of the provider
        #[arg(value_parser = segment)]
        name: String,
    },
    /// List all providers
    List,
    /// Delete a provider; it must have no clusters
    Delete {
        /// Name of the provider
        #[arg(value_parser = segment)]
        name: String,
    },
}

struct Provider;

impl Noun for Provider {
    type Document = ProviderDocument;
    const NAME: &'static str = "cluster provider";
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
    let all = Path::new(&["cluster-providers"]);
    match arguments.action {
        Action::Create { name, metadata } => {
            let document = ProviderDocument {
                metadata: metadata.named(&name),
            };
            resource::create::<Provider>(context, format, (&all, &name), &document).await
        }
        Action::Get { name } => resource::get::<Provider>(context, format, &all.join(&name)).await,
        Action::List => resource::list::<Provider>(context, format, &all).await,
        Action::Delete { name } => {
            resource::delete::<Provider>(context, &all.join(&name), &name).await
        }
    }
}
