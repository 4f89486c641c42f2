//! `dcm controller`: controllers of the later system, kept for its clients.

use clap::{Args, ValueEnum};
use dcm_wire::documents::ControllerDocument;
use serde_json::{Value, json};

use crate::arguments::MetadataArguments;
use crate::client::Path;
use crate::error::Error;
use crate::family::{self, Member};
use crate::output::Cell;
use crate::resource::Noun;
use crate::run::Context;

/// Arguments of `dcm controller`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    family: family::Commands<Controller>,
}

#[derive(Debug, Args)]
struct OfGroup {
    /// Where it is registered
    #[arg(long, value_name = "GROUP", default_value = "orchestrator")]
    group: Group,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// With the orchestrator
    Orchestrator,
    /// With the cluster manager
    ClusterManager,
}

#[derive(Debug, Args)]
struct Endpoint {
    /// Host that it listens on
    #[arg(long, value_name = "HOST")]
    host: String,
    /// Port that it listens on
    #[arg(long, value_name = "PORT")]
    port: u16,
    /// What it does, for example `action`; of the orchestrator only
    #[arg(
        long = "type",
        value_name = "TYPE",
        default_value = "",
        hide_default_value = true
    )]
    kind: String,
    /// Its order among others
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    priority: u8,
    #[command(flatten)]
    metadata: MetadataArguments,
}

#[derive(Debug)]
struct Controller;

impl Noun for Controller {
    type Document = ControllerDocument;
    const NAME: &'static str = "controller";
    const HEADER: &'static [&'static str] =
        &["NAME", "HOST", "PORT", "TYPE", "PRIORITY", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        let spec = &document.spec;
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(&spec.host),
            Cell::plain(spec.port.to_string()),
            Cell::plain(&spec.kind),
            Cell::plain(spec.priority.to_string()),
            Cell::plain(&document.metadata.description),
        ]
    }
}

impl Member for Controller {
    type Place = OfGroup;
    type Content = Endpoint;

    fn collection(place: &OfGroup) -> Path {
        Path::new(&[match place.group {
            Group::Orchestrator => "controllers",
            Group::ClusterManager => "clm-controllers",
        }])
    }

    fn document(place: &OfGroup, name: &str, content: Endpoint) -> Result<Value, Error> {
        let mut spec = json!({
            "host": content.host,
            "port": content.port,
            "priority": content.priority,
        });
        if place.group == Group::Orchestrator {
            spec["type"] = Value::String(content.kind);
        }
        Ok(json!({ "metadata": content.metadata.named(name), "spec": spec }))
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    family::run(arguments.family, context).await
}
