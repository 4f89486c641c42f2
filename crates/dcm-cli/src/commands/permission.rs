//! `dcm permission`: what a user of a logical cloud may do, in its namespace or outside of it.

use clap::Args;
use dcm_wire::documents::{PermissionDocument, PermissionSpec};
use serde_json::Value;

use super::logical_cloud;
use crate::arguments::{CloudArguments, MetadataArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::family::{self, Member, as_value};
use crate::output::Cell;
use crate::resource::Noun;
use crate::run::Context;

/// Arguments of `dcm permission`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    family: family::Commands<Permission>,
}

#[derive(Debug, Args)]
struct Grant {
    /// The user who gets it; without it, the first user of the logical cloud
    #[arg(long, value_name = "USER", value_parser = segment)]
    user: Option<String>,
    /// Another namespace than that of the logical cloud, which it makes privileged
    #[arg(short, long, value_name = "NAMESPACE", value_parser = segment)]
    namespace: Option<String>,
    /// In the whole cluster, which makes the logical cloud privileged; it can only be read
    #[arg(long, conflicts_with = "namespace")]
    cluster_wide: bool,
    /// An API group; the core group is the empty text and counts when none is given; may be repeated
    #[arg(
        short = 'g',
        long = "api-group",
        value_name = "GROUP",
        default_value = ""
    )]
    api_groups: Vec<String>,
    /// A resource, for example `configmaps` or `pods/log`; `*` stands for a fixed list; may be repeated
    #[arg(short, long = "resource", value_name = "RESOURCE", required = true)]
    resources: Vec<String>,
    /// A verb, for example `get` or `create`; may be repeated
    #[arg(short, long = "verb", value_name = "VERB", required = true)]
    verbs: Vec<String>,
    #[command(flatten)]
    metadata: MetadataArguments,
}

#[derive(Debug)]
struct Permission;

impl Noun for Permission {
    type Document = PermissionDocument;
    const NAME: &'static str = "permission";
    const HEADER: &'static [&'static str] = &[
        "NAME",
        "USER",
        "NAMESPACE",
        "API GROUPS",
        "RESOURCES",
        "VERBS",
    ];

    fn row(document: &Self::Document) -> Vec<Cell> {
        let groups: Vec<&str> = document
            .spec
            .api_groups
            .iter()
            .map(|group| if group.is_empty() { "core" } else { group })
            .collect();
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(document.spec.user.as_deref().unwrap_or_default()),
            Cell::plain(match document.spec.namespace.as_deref() {
                None => "",
                Some("") => "cluster-wide",
                Some(name) => name,
            }),
            Cell::plain(groups.join(",")),
            Cell::plain(document.spec.resources.join(",")),
            Cell::plain(document.spec.verbs.join(",")),
        ]
    }
}

impl Member for Permission {
    type Place = CloudArguments;
    type Content = Grant;

    fn collection(place: &CloudArguments) -> Path {
        logical_cloud::path(&place.project.project, &place.cloud).join("user-permissions")
    }

    fn document(_place: &CloudArguments, name: &str, content: Grant) -> Result<Value, Error> {
        as_value(&PermissionDocument {
            metadata: content.metadata.named(name),
            spec: PermissionSpec {
                namespace: if content.cluster_wide {
                    Some(String::new())
                } else {
                    content.namespace
                },
                user: content.user,
                api_groups: content.api_groups,
                resources: content.resources,
                verbs: content.verbs,
            },
            status: None,
        })
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    family::run(arguments.family, context).await
}
