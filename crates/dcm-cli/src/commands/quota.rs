//! `dcm quota`: limits on what a logical cloud uses in each member.

use clap::{Args, Subcommand};
use dcm_wire::documents::QuotaDocument;

use crate::arguments::{CloudArguments, MetadataArguments, OutputArguments, Pair, pair, segment};
use crate::client::Path;
use crate::error::Error;
use crate::output::Cell;
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm quota`.
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
    /// Create a quota; it counts from the next instantiate or update on
    Create(Write),
    /// Create a quota, or replace the one of this name
    Set(Write),
    /// Show a quota
    Get(One),
    /// List the quotas of a logical cloud
    List {
        #[command(flatten)]
        cloud: CloudArguments,
    },
    /// Delete a quota; it counts from the next update on
    Delete(One),
}

#[derive(Debug, Args)]
struct One {
    /// Name of the quota, and of its `ResourceQuota`
    #[arg(value_parser = segment)]
    name: String,
    #[command(flatten)]
    cloud: CloudArguments,
}

#[derive(Debug, Args)]
struct Write {
    #[command(flatten)]
    one: One,
    /// A limit, for example `configmaps=5` or `requests.cpu=500m`; may be repeated
    #[arg(short, long = "limit", value_name = "RESOURCE=QUANTITY", required = true, value_parser = pair)]
    limits: Vec<Pair>,
    #[command(flatten)]
    metadata: MetadataArguments,
}

struct Quota;

impl Noun for Quota {
    type Document = QuotaDocument;
    const NAME: &'static str = "quota";
    const HEADER: &'static [&'static str] = &["NAME", "LIMITS", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        let limits: Vec<String> = document
            .spec
            .iter()
            .map(|(key, quantity)| format!("{key}={quantity}"))
            .collect();
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(limits.join(" ")),
            Cell::plain(&document.metadata.description),
        ]
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Create(write) => {
            let (all, name, document) = document(write);
            resource::create::<Quota>(context, format, (&all, &name), &document).await
        }
        Action::Set(write) => {
            let (all, name, document) = document(write);
            resource::put::<Quota>(context, format, (&all.join(&name), &name), &document).await
        }
        Action::Get(one) => resource::get::<Quota>(context, format, &path(&one)).await,
        Action::List { cloud } => {
            resource::list::<Quota>(context, format, &collection(&cloud)).await
        }
        Action::Delete(one) => resource::delete::<Quota>(context, &path(&one), &one.name).await,
    }
}

fn document(write: Write) -> (Path, String, QuotaDocument) {
    let name = write.one.name;
    let document = QuotaDocument {
        metadata: write.metadata.named(&name),
        spec: write.limits.into_iter().collect(),
    };
    (collection(&write.one.cloud), name, document)
}

fn collection(cloud: &CloudArguments) -> Path {
    super::logical_cloud::path(&cloud.project.project, &cloud.cloud).join("cluster-quotas")
}

fn path(one: &One) -> Path {
    collection(&one.cloud).join(&one.name)
}
