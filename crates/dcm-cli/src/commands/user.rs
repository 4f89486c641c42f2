//! `dcm user`: who works in a logical cloud.

use clap::Args;
use dcm_wire::documents::{CredentialSpec, UserDocument};
use serde_json::Value;

use super::logical_cloud;
use crate::arguments::{CloudArguments, MetadataArguments};
use crate::client::Path;
use crate::error::Error;
use crate::family::{self, Member, as_value};
use crate::output::Cell;
use crate::resource::Noun;
use crate::run::Context;

/// Arguments of `dcm user`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    family: family::Commands<User>,
}

#[derive(Debug)]
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

impl Member for User {
    type Place = CloudArguments;
    type Content = MetadataArguments;

    fn collection(place: &CloudArguments) -> Path {
        logical_cloud::path(&place.project.project, &place.cloud).join("users")
    }

    fn document(
        _place: &CloudArguments,
        name: &str,
        content: MetadataArguments,
    ) -> Result<Value, Error> {
        as_value(&UserDocument {
            metadata: content.named(name),
            spec: CredentialSpec::default(),
        })
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    family::run(arguments.family, context).await
}
