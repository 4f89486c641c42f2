//! `dcm tombstone`: what is left of deleted logical clouds in clusters that did not answer.

use clap::{Args, Subcommand};
use dcm_wire::views::TombstoneView;
use reqwest::Method;

use crate::arguments::{ClusterPath, OutputArguments, cluster_path, segment};
use crate::client::Path;
use crate::error::Error;
use crate::output::{Cell, Palette, Tone, printable};
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm tombstone`.
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
    /// List tombstones
    List {
        /// Only those of logical clouds of this project
        #[arg(short, long, value_name = "PROJECT", value_parser = segment)]
        project: Option<String>,
        /// Only those in this cluster
        #[arg(long, value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: Option<ClusterPath>,
    },
    /// Show a tombstone, and what may be left
    Get {
        /// Its id
        #[arg(value_parser = segment)]
        id: String,
    },
    /// Give up cleaning: what is left in the cluster stays there for good
    WriteOff {
        /// Its id
        #[arg(value_parser = segment)]
        id: String,
        /// The namespace in which objects may be left
        #[arg(long, value_name = "NAMESPACE")]
        confirm: String,
    },
}

struct Tombstone;

impl Noun for Tombstone {
    type Document = TombstoneView;
    const NAME: &'static str = "tombstone";
    const HEADER: &'static [&'static str] = &[
        "ID",
        "LOGICAL CLOUD",
        "CLUSTER",
        "NAMESPACE",
        "SINCE",
        "WAITS FOR",
    ];

    fn row(document: &Self::Document) -> Vec<Cell> {
        let spec = &document.spec;
        let waits = document.status.last_error.as_ref();
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(format!("{}/{}", spec.project, spec.logical_cloud)),
            Cell::plain(format!("{}/{}", spec.cluster_provider, spec.cluster)),
            Cell::plain(&spec.namespace),
            Cell::plain(
                document
                    .status
                    .created_at
                    .strftime("%Y-%m-%d %H:%M:%S UTC")
                    .to_string(),
            ),
            match waits {
                Some(error) => Cell::new(Tone::Bad, error.category.clone()),
                None => Cell::new(Tone::Busy, "clean-up"),
            },
        ]
    }

    fn details(document: &Self::Document, palette: Palette) -> Vec<String> {
        let mut lines = vec![String::new()];
        if let Some(error) = &document.status.last_error {
            let category = palette.paint(Tone::Bad, &printable(&error.category));
            lines.push(format!("  {category}: {}", printable(&error.message)));
            let word = palette.paint(Tone::Strong, "hint:");
            lines.push(format!("    {word} {}", printable(&error.hint)));
        }
        lines.push("  may be left:".to_owned());
        for object in &document.status.inventory {
            let namespace = object.namespace.as_deref();
            let place = namespace.map_or_else(String::new, |name| format!("{name}/"));
            let line = format!("    {} {place}{}", object.kind, object.name);
            lines.push(printable(&line));
        }
        lines
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::List { project, cluster } => {
            let project = project.map(|project| ("project", project));
            let cluster = cluster.map(|cluster| ("cluster", cluster.to_string()));
            let filter = project.into_iter().chain(cluster).collect();
            resource::list_where::<Tombstone>(context, format, &collection(), filter).await
        }
        Action::Get { id } => {
            resource::get::<Tombstone>(context, format, &collection().join(&id)).await
        }
        Action::WriteOff { id, confirm } => {
            let query = vec![("confirm", confirm.clone())];
            let path = collection().join(&id);
            let client = &context.client;
            client.act_with(Method::DELETE, &path, query).await?;
            let note = format!(
                "tombstone '{id}' written off; whatever is left in namespace '{confirm}' stays there"
            );
            context.terminal.note(&note);
            Ok(())
        }
    }
}

fn collection() -> Path {
    Path::new(&["tombstones"])
}
