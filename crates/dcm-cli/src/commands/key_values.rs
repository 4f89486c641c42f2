//! `dcm cluster-kv`, `dcm sync-object`, `dcm cloud-kv`: key-values that are kept for clients.
//!
//! Their content is a file, because tokens may be among the values (T37).

use std::path::PathBuf;

use clap::Args;
use dcm_wire::documents::{CloudKvDocument, KvDocument};
use serde_json::{Value, json};

use super::cluster_label::OfCluster;
use super::{cluster, logical_cloud};
use crate::arguments::{CloudArguments, MetadataArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::family::{self, Member};
use crate::file;
use crate::manifest;
use crate::output::Cell;
use crate::resource::Noun;
use crate::run::Context;

/// Arguments of `dcm cluster-kv`.
#[derive(Debug, Args)]
pub struct OfClusterArguments {
    #[command(flatten)]
    family: family::Commands<ClusterKv>,
}

/// Arguments of `dcm sync-object`.
#[derive(Debug, Args)]
pub struct OfProviderArguments {
    #[command(flatten)]
    family: family::Commands<SyncObject>,
}

/// Arguments of `dcm cloud-kv`.
#[derive(Debug, Args)]
pub struct OfCloudArguments {
    #[command(flatten)]
    family: family::Commands<CloudKv>,
}

/// The provider that something belongs to.
#[derive(Debug, Args)]
struct OfProvider {
    /// The cluster provider
    #[arg(long, value_name = "PROVIDER", value_parser = segment)]
    provider: String,
}

/// A file of pairs, and free text.
#[derive(Debug, Args)]
struct Pairs {
    /// A file in YAML or JSON with a map, or a list of maps; `-` reads standard input
    #[arg(short, long = "from", value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    metadata: MetadataArguments,
}

impl Pairs {
    fn document(self, name: &str) -> Result<Value, Error> {
        let text = file::read_text(&self.from)?;
        let maps = match manifest::one_value(&self.from, &text)? {
            list @ Value::Array(_) => list,
            map => Value::Array(vec![map]),
        };
        let metadata = self.metadata.named(name);
        Ok(json!({ "metadata": metadata, "spec": { "kv": maps } }))
    }
}

#[derive(Debug)]
struct ClusterKv;
#[derive(Debug)]
struct SyncObject;
#[derive(Debug)]
struct CloudKv;

fn keys<'a>(maps: impl Iterator<Item = Vec<&'a String>>) -> Cell {
    // Values may be tokens; `-o json` and `-o yaml` show them.
    let keys: Vec<&str> = maps.flatten().map(String::as_str).collect();
    Cell::plain(keys.join(" "))
}

fn row_of_pairs(document: &KvDocument) -> Vec<Cell> {
    vec![
        Cell::plain(&document.metadata.name),
        keys(document.spec.kv.iter().map(|map| map.keys().collect())),
        Cell::plain(&document.metadata.description),
    ]
}

const HEADER: &[&str] = &["NAME", "KEYS", "DESCRIPTION"];

impl Noun for ClusterKv {
    type Document = KvDocument;
    const NAME: &'static str = "cluster key-values";
    const HEADER: &'static [&'static str] = HEADER;

    fn row(document: &Self::Document) -> Vec<Cell> {
        row_of_pairs(document)
    }
}

impl Noun for SyncObject {
    type Document = KvDocument;
    const NAME: &'static str = "sync object";
    const HEADER: &'static [&'static str] = HEADER;

    fn row(document: &Self::Document) -> Vec<Cell> {
        row_of_pairs(document)
    }
}

impl Noun for CloudKv {
    type Document = CloudKvDocument;
    const NAME: &'static str = "logical cloud key-values";
    const HEADER: &'static [&'static str] = HEADER;

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![
            Cell::plain(&document.metadata.name),
            keys(document.spec.kv.iter().map(|map| map.keys().collect())),
            Cell::plain(&document.metadata.description),
        ]
    }
}

impl Member for ClusterKv {
    type Place = OfCluster;
    type Content = Pairs;

    fn collection(place: &OfCluster) -> Path {
        cluster::path(&place.cluster).join("kv-pairs")
    }

    fn document(_place: &OfCluster, name: &str, content: Pairs) -> Result<Value, Error> {
        content.document(name)
    }
}

impl Member for SyncObject {
    type Place = OfProvider;
    type Content = Pairs;

    fn collection(place: &OfProvider) -> Path {
        Path::new(&["cluster-providers", &place.provider, "cluster-sync-objects"])
    }

    fn document(_place: &OfProvider, name: &str, content: Pairs) -> Result<Value, Error> {
        content.document(name)
    }
}

impl Member for CloudKv {
    type Place = CloudArguments;
    type Content = Pairs;

    fn collection(place: &CloudArguments) -> Path {
        logical_cloud::path(&place.project.project, &place.cloud).join("kv-pairs")
    }

    fn document(_place: &CloudArguments, name: &str, content: Pairs) -> Result<Value, Error> {
        content.document(name)
    }
}

pub(crate) async fn of_cluster(
    arguments: OfClusterArguments,
    context: &Context<'_>,
) -> Result<(), Error> {
    family::run(arguments.family, context).await
}

pub(crate) async fn of_provider(
    arguments: OfProviderArguments,
    context: &Context<'_>,
) -> Result<(), Error> {
    family::run(arguments.family, context).await
}

pub(crate) async fn of_cloud(
    arguments: OfCloudArguments,
    context: &Context<'_>,
) -> Result<(), Error> {
    family::run(arguments.family, context).await
}
