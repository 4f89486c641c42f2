//! `dcm cluster-label`: labels of clusters. They have no value.

use clap::Args;
use dcm_wire::documents::ClusterLabelDocument;
use serde_json::{Value, json};

use super::cluster;
use crate::arguments::{ClusterPath, cluster_path};
use crate::client::Path;
use crate::error::Error;
use crate::family::{self, Member};
use crate::output::Cell;
use crate::resource::Noun;
use crate::run::Context;

/// Arguments of `dcm cluster-label`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    family: family::Commands<ClusterLabel>,
}

/// The cluster that something belongs to.
#[derive(Debug, Args)]
pub(crate) struct OfCluster {
    /// The cluster
    #[arg(long, value_name = "PROVIDER/NAME", value_parser = cluster_path)]
    pub(crate) cluster: ClusterPath,
}

/// A label says nothing but its name.
#[derive(Debug, Args)]
struct Nothing {}

#[derive(Debug)]
struct ClusterLabel;

impl Noun for ClusterLabel {
    type Document = ClusterLabelDocument;
    const NAME: &'static str = "cluster label";
    const HEADER: &'static [&'static str] = &["LABEL"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![Cell::plain(&document.cluster_label)]
    }
}

impl Member for ClusterLabel {
    type Place = OfCluster;
    type Content = Nothing;

    fn collection(place: &OfCluster) -> Path {
        cluster::path(&place.cluster).join("labels")
    }

    fn document(_place: &OfCluster, name: &str, _content: Nothing) -> Result<Value, Error> {
        Ok(json!({ "clusterLabel": name }))
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    family::run(arguments.family, context).await
}
