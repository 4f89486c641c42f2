//! `dcm user`: who works in a logical cloud.

use clap::{Args, Subcommand};
use dcm_wire::documents::{CredentialSpec, UserDocument};

use crate::arguments::{CloudArguments, MetadataArguments, OutputArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::output::Cell;
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm user`.
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
    /// Create a user; it counts from the next instantiate or update on
    Create(Write),
    /// Create a user, or replace the one of this name
    Set(Write),
    /// Show a user
    Get(One),
    /// List the users of a logical cloud
    List {
        #[command(flatten)]
        cloud: CloudArguments,
    },
    /// Delete a user; it counts from the next update on
    Delete(One),
}

#[derive(Debug, Args)]
struct One {
    /// Name of the user
    #[arg(value_parser = segment)]
    name: String,
    #[command(flatten)]
    cloud: CloudArguments,
}

#[derive(Debug, Args)]
struct Write {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    metadata: MetadataArguments,
}

struct User;

impl Noun for User {
    type Document = UserDocument;
    const NAME: &'static str = "user";
    const HEADER: &'static [&'static str] = &["NAME", "TYPE", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(&document.spec.credential),
            Cell::plain(&document.metadata.description),
        ]
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Create(write) => {
            let (all, name, document) = document(write);
            resource::create::<User>(context, format, (&all, &name), &document).await
        }
        Action::Set(write) => {
            let (all, name, document) = document(write);
            resource::put::<User>(context, format, (&all.join(&name), &name), &document).await
        }
        Action::Get(one) => resource::get::<User>(context, format, &path(&one)).await,
        Action::List { cloud } => {
            resource::list::<User>(context, format, &collection(&cloud)).await
        }
        Action::Delete(one) => resource::delete::<User>(context, &path(&one), &one.name).await,
    }
}

fn document(write: Write) -> (Path, String, UserDocument) {
    let name = write.one.name;
    let document = UserDocument {
        metadata: write.metadata.named(&name),
        spec: CredentialSpec::default(),
    };
    (collection(&write.one.cloud), name, document)
}

fn collection(cloud: &CloudArguments) -> Path {
    super::logical_cloud::path(&cloud.project.project, &cloud.cloud).join("users")
}

fn path(one: &One) -> Path {
    collection(&one.cloud).join(&one.name)
}
