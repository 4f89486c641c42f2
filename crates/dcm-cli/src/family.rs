//! Create, set, get, list and delete, as one family of commands for every noun of which only the place
//! and the content differ.

use std::fmt::Debug;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::arguments::{OutputArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::resource::{self, Noun};
use crate::run::Context;

/// A noun of the family.
pub(crate) trait Member: Noun + Debug {
    /// What it belongs to, as arguments.
    type Place: Args + Debug;
    /// What it says, as arguments.
    type Content: Args + Debug;

    /// Its collection.
    fn collection(place: &Self::Place) -> Path;

    /// Its document.
    fn document(place: &Self::Place, name: &str, content: Self::Content) -> Result<Value, Error>;
}

/// The commands of a noun. It has another name than what it stands in, because clap makes groups of
/// the names.
#[derive(Debug, Args)]
pub(crate) struct Commands<N: Member> {
    /// Format.
    #[command(flatten)]
    output: OutputArguments,

    /// What to do.
    #[command(subcommand)]
    action: Action<N>,
}

#[derive(Debug, Subcommand)]
enum Action<N: Member> {
    /// Create one; one of its name must not exist
    Create(Write<N>),
    /// Create one, or replace the one of this name
    Set(Write<N>),
    /// Show one
    Get(One<N>),
    /// List all of them
    List {
        #[command(flatten)]
        place: N::Place,
    },
    /// Delete one
    Delete(One<N>),
}

#[derive(Debug, Args)]
struct One<N: Member> {
    /// Its name
    #[arg(value_parser = segment)]
    name: String,
    #[command(flatten)]
    place: N::Place,
}

#[derive(Debug, Args)]
struct Write<N: Member> {
    #[command(flatten)]
    one: One<N>,
    #[command(flatten)]
    content: N::Content,
}

impl<N: Member> One<N> {
    fn path(&self) -> Path {
        N::collection(&self.place).join(&self.name)
    }
}

impl<N: Member> Write<N> {
    fn document(self) -> Result<(One<N>, Value), Error> {
        let document = N::document(&self.one.place, &self.one.name, self.content)?;
        Ok((self.one, document))
    }
}

/// A document of the interface as it is sent.
pub(crate) fn as_value(document: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(document).map_err(Error::Encode)
}

/// Runs a command of the family.
pub(crate) async fn run<N: Member>(
    commands: Commands<N>,
    context: &Context<'_>,
) -> Result<(), Error> {
    let format = commands.output.output;
    match commands.action {
        Action::Create(write) => {
            let (one, document) = write.document()?;
            let place = (&N::collection(&one.place), one.name.as_str());
            resource::create::<N>(context, format, place, &document).await
        }
        Action::Set(write) => {
            let (one, document) = write.document()?;
            let place = (&one.path(), one.name.as_str());
            resource::put::<N>(context, format, place, &document).await
        }
        Action::Get(one) => resource::get::<N>(context, format, &one.path()).await,
        Action::List { place } => {
            resource::list::<N>(context, format, &N::collection(&place)).await
        }
        Action::Delete(one) => resource::delete::<N>(context, &one.path(), &one.name).await,
    }
}
