//! `dcm cluster`: registered clusters, and what the last check of each found.

mod health;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use dcm_wire::documents::ProviderDocument;
use dcm_wire::documents::{ClusterDocument, CreateCluster, CreateClusterSpec};
use serde_json::Value;

use crate::arguments::{
    ClusterPath, Format, MetadataArguments, OutputArguments, cluster_path, duration, segment,
};
use crate::client::{Path, decode};
use crate::error::Error;
use crate::file;
use crate::output::{Cell, Palette, Table};
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm cluster`.
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
    /// Register a cluster; it is checked in the background
    Create {
        /// The cluster
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
        /// Its administrator's kubeconfig, or `-` for standard input; it is never given back
        #[arg(short, long, value_name = "FILE")]
        kubeconfig: PathBuf,
        #[command(flatten)]
        metadata: MetadataArguments,
        /// Wait until it was checked; anything but healthy ends with 3
        #[arg(short, long)]
        wait: bool,
        /// How long to wait at most, for example `90s` or `5m`
        #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
        timeout: Duration,
    },
    /// Replace the kubeconfig of a cluster without a gap
    SetKubeconfig {
        /// The cluster
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
        /// The new kubeconfig, or `-` for standard input
        #[arg(short, long, value_name = "FILE")]
        kubeconfig: PathBuf,
    },
    /// Show a cluster and what its last check found
    Get {
        /// The cluster
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
    },
    /// List the clusters of a provider, or all
    List {
        /// Only those of this provider
        #[arg(value_parser = segment)]
        provider: Option<String>,
    },
    /// Have a cluster checked now: shortens the wait for one that is back
    Probe {
        /// The cluster
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
    },
    /// Delete a cluster; no logical cloud may use it
    Delete {
        /// The cluster
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
        /// It will never return: write off what logical clouds have in it
        #[arg(long)]
        forget: bool,
    },
}

struct Cluster;

impl Noun for Cluster {
    type Document = ClusterDocument;
    const NAME: &'static str = "cluster";
    const HEADER: &'static [&'static str] = &["NAME", "STATE", "VERSION", "SERVER", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        row(&document.metadata.name, document)
    }

    fn details(document: &Self::Document, palette: Palette) -> Vec<String> {
        health::lines(&document.status, palette)
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Create {
            cluster,
            kubeconfig,
            metadata,
            wait,
            timeout,
        } => {
            let document = CreateCluster {
                metadata: metadata.named(&cluster.cluster),
                spec: CreateClusterSpec {
                    kubeconfig: Some(file::read_text(&kubeconfig)?),
                    ..CreateClusterSpec::default()
                },
                labels: None,
            };
            let (all, name) = (collection(&cluster.provider), cluster.to_string());
            resource::create::<Cluster>(context, format, (&all, &name), &document).await?;
            if wait {
                health::wait_checked(context, &path(&cluster), &name, timeout).await?;
            }
            Ok(())
        }
        Action::SetKubeconfig {
            cluster,
            kubeconfig,
        } => {
            let path = path(&cluster);
            let text = file::read_text(&kubeconfig)?;
            let present: ClusterDocument =
                context.client.get(&path).await?.decode(Cluster::NAME)?;
            let document = CreateCluster {
                metadata: present.metadata,
                spec: CreateClusterSpec {
                    kubeconfig: Some(text),
                    public_address: present.spec.public_address,
                    public_certificate_authority: present.spec.public_certificate_authority,
                    git_ops: None,
                },
                labels: None,
            };
            resource::put::<Cluster>(context, format, (&path, &cluster.to_string()), &document)
                .await
        }
        Action::Get { cluster } => resource::get::<Cluster>(context, format, &path(&cluster)).await,
        Action::List { provider } => list(context, format, provider).await,
        Action::Probe { cluster } => {
            context.client.act(&path(&cluster).join("probe")).await?;
            let note = format!("cluster '{cluster}' is being checked");
            context.terminal.note(&note);
            Ok(())
        }
        Action::Delete { cluster, forget } => {
            let query = if forget {
                vec![("forget", "true".to_owned())]
            } else {
                Vec::new()
            };
            let (path, name) = (path(&cluster), cluster.to_string());
            resource::delete_with::<Cluster>(context, &path, query, &name).await
        }
    }
}

/// The row of a cluster; its name is given, because a document does not know its provider.
fn row(name: &str, document: &ClusterDocument) -> Vec<Cell> {
    let (tone, state) = health::show_state(document.status.state);
    vec![
        Cell::plain(name),
        Cell::new(tone, state),
        Cell::plain(document.status.version.as_deref().unwrap_or_default()),
        Cell::plain(&document.spec.server),
        Cell::plain(&document.metadata.description),
    ]
}

/// The clusters of one provider, or of all of them.
async fn list(
    context: &Context<'_>,
    format: Format,
    provider: Option<String>,
) -> Result<(), Error> {
    let providers = match provider {
        Some(provider) => vec![provider],
        None => provider_names(context).await?,
    };
    let mut table = Table::new(Cluster::HEADER);
    let mut all = Vec::new();
    for provider in providers {
        for mut value in resource::read_all(context, &collection(&provider)).await? {
            let document: ClusterDocument = decode(value.clone(), Cluster::NAME)?;
            table.row(row(
                &format!("{provider}/{}", document.metadata.name),
                &document,
            ));
            // In a list of several providers, a document alone would not say whose it is.
            if let Value::Object(members) = &mut value {
                members.insert(
                    "clusterProvider".to_owned(),
                    Value::String(provider.clone()),
                );
            }
            all.push(value);
        }
    }
    if all.is_empty() && format == Format::Table {
        context.terminal.note("there is no cluster yet");
        return Ok(());
    }
    context
        .terminal
        .show(format, &Value::Array(all), |palette| {
            Ok(table.render(palette))
        })
}

async fn provider_names(context: &Context<'_>) -> Result<Vec<String>, Error> {
    let values = resource::read_all(context, &Path::new(&["cluster-providers"])).await?;
    values
        .into_iter()
        .map(|value| {
            let provider: ProviderDocument = decode(value, "cluster provider")?;
            Ok(provider.metadata.name)
        })
        .collect()
}

fn collection(provider: &str) -> Path {
    Path::new(&["cluster-providers", provider, "clusters"])
}

/// The path of a cluster.
pub(crate) fn path(cluster: &ClusterPath) -> Path {
    collection(&cluster.provider).join(&cluster.cluster)
}
