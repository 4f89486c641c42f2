//! `dcm project`: the tenants.

use clap::{Args, Subcommand, ValueEnum};
use dcm_wire::documents::{PolicySpec, ProjectDocument, ProjectSpec};

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
    Create(Write),
    /// Create a project, or replace the one of this name
    Set(Write),
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

#[derive(Debug, Args)]
struct Write {
    /// Name of the project
    #[arg(value_parser = segment)]
    name: String,
    /// Whether permissions may leave the namespaces of its logical clouds [default: refuse]
    #[arg(long, value_name = "POLICY")]
    privileged: Option<Privileged>,
    #[command(flatten)]
    metadata: MetadataArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Privileged {
    /// They may
    Allow,
    /// They may not
    Refuse,
}

struct Project;

impl Noun for Project {
    type Document = ProjectDocument;
    const NAME: &'static str = "project";
    const HEADER: &'static [&'static str] = &["NAME", "PRIVILEGED", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(show_policy(document)),
            Cell::plain(&document.metadata.description),
        ]
    }
}

fn show_policy(document: &ProjectDocument) -> &str {
    document
        .spec
        .as_ref()
        .map_or("refuse", |spec| &*spec.policy.privileged)
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    let all = Path::new(&["projects"]);
    match arguments.action {
        Action::Create(write) => {
            let (name, document) = document(write);
            resource::create::<Project>(context, format, (&all, &name), &document).await
        }
        Action::Set(write) => {
            let (name, document) = document(write);
            resource::put::<Project>(context, format, (&all.join(&name), &name), &document).await
        }
        Action::Get { name } => resource::get::<Project>(context, format, &all.join(&name)).await,
        Action::List => resource::list::<Project>(context, format, &all).await,
        Action::Delete { name } => {
            resource::delete::<Project>(context, &all.join(&name), &name).await
        }
    }
}

fn document(write: Write) -> (String, ProjectDocument) {
    let document = ProjectDocument {
        metadata: write.metadata.named(&write.name),
        spec: write.privileged.map(|privileged| ProjectSpec {
            policy: PolicySpec {
                privileged: match privileged {
                    Privileged::Allow => "allow".to_owned(),
                    Privileged::Refuse => "refuse".to_owned(),
                },
            },
        }),
    };
    (write.name, document)
}
