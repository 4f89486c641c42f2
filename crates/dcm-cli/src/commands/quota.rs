//! `dcm quota`: limits on what a logical cloud uses in each member.

use clap::Args;
use dcm_wire::documents::QuotaDocument;
use serde_json::Value;

use super::logical_cloud;
use crate::arguments::{CloudArguments, MetadataArguments, Pair, pair};
use crate::client::Path;
use crate::error::Error;
use crate::family::{self, Member, as_value};
use crate::output::Cell;
use crate::resource::Noun;
use crate::run::Context;

/// Arguments of `dcm quota`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    family: family::Commands<Quota>,
}

#[derive(Debug, Args)]
struct Limits {
    /// A limit, for example `configmaps=5` or `requests.cpu=500m`; may be repeated
    #[arg(short, long = "limit", value_name = "RESOURCE=QUANTITY", required = true, value_parser = pair)]
    limits: Vec<Pair>,
    #[command(flatten)]
    metadata: MetadataArguments,
}

#[derive(Debug)]
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

impl Member for Quota {
    type Place = CloudArguments;
    type Content = Limits;

    fn collection(place: &CloudArguments) -> Path {
        logical_cloud::path(&place.project.project, &place.cloud).join("cluster-quotas")
    }

    fn document(_place: &CloudArguments, name: &str, content: Limits) -> Result<Value, Error> {
        as_value(&QuotaDocument {
            metadata: content.metadata.named(name),
            spec: content.limits.into_iter().collect(),
        })
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    family::run(arguments.family, context).await
}
