//! `dcm reference`: which clusters a logical cloud spans, through the original design's paths.

use clap::{Args, Subcommand};
use dcm_wire::documents::{FlatReference, ReferenceDocument};
use serde_json::json;

use crate::arguments::{CloudArguments, ClusterPath, OutputArguments, cluster_path};
use crate::client::Path;
use crate::error::Error;
use crate::output::Cell;
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm reference`.
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
    /// Make a cluster a member, or change the address of its load balancer
    Set {
        #[command(flatten)]
        one: One,
        /// Address of the cluster's load balancer
        #[arg(
            short,
            long,
            value_name = "IP",
            default_value = "",
            hide_default_value = true
        )]
        load_balancer: String,
    },
    /// Show a reference
    Get(One),
    /// List the references of a logical cloud
    List {
        #[command(flatten)]
        cloud: CloudArguments,
    },
    /// Drop a member; it is cleaned with the next update
    Delete(One),
}

#[derive(Debug, Args)]
struct One {
    /// The cluster
    #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
    cluster: ClusterPath,
    #[command(flatten)]
    cloud: CloudArguments,
}

/// A reference at the original design's path.
struct Flat;

impl Noun for Flat {
    type Document = FlatReference;
    const NAME: &'static str = "cluster reference";
    const HEADER: &'static [&'static str] = &["CLUSTER", "LOAD BALANCER"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![
            Cell::plain(&document.cluster_name),
            Cell::plain(&document.loadbalancer_ip),
        ]
    }
}

/// A reference in the list of all members.
struct Reference;

impl Noun for Reference {
    type Document = ReferenceDocument;
    const NAME: &'static str = "cluster reference";
    const HEADER: &'static [&'static str] =
        &["CLUSTER", "REFERENCE", "LOAD BALANCER", "KUBECONFIG UNTIL"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        let spec = &document.spec;
        let until = document.status.as_ref().map(|status| {
            status
                .kubeconfig_until
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string()
        });
        vec![
            Cell::plain(format!("{}/{}", spec.cluster_provider, spec.cluster)),
            Cell::plain(&document.metadata.name),
            Cell::plain(&spec.load_balancer_ip),
            Cell::plain(until.unwrap_or_default()),
        ]
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Set { one, load_balancer } => {
            let name = one.cluster.to_string();
            let body = json!({ "loadbalancer-ip": load_balancer });
            resource::put::<Flat>(context, format, (&path(&one), &name), &body).await
        }
        Action::Get(one) => resource::get::<Flat>(context, format, &path(&one)).await,
        Action::List { cloud } => {
            resource::list::<Reference>(context, format, &collection(&cloud)).await
        }
        Action::Delete(one) => {
            resource::delete::<Flat>(context, &path(&one), &one.cluster.to_string()).await
        }
    }
}

fn collection(cloud: &CloudArguments) -> Path {
    super::logical_cloud::path(&cloud.project.project, &cloud.cloud).join("cluster-references")
}

fn path(one: &One) -> Path {
    super::logical_cloud::path(&one.cloud.project.project, &one.cloud.cloud)
        .join("cluster-providers")
        .join(&one.cluster.provider)
        .join("cluster-references")
        .join(&one.cluster.cluster)
}
