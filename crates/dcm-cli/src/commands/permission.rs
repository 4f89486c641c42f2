//! `dcm permission`: what a user of a logical cloud may do, in its namespace or outside of it.

use clap::{Args, Subcommand};
use dcm_wire::documents::{PermissionDocument, PermissionSpec};

use crate::arguments::{CloudArguments, MetadataArguments, OutputArguments, segment};
use crate::client::Path;
use crate::error::Error;
use crate::output::Cell;
use crate::resource::{self, Noun};
use crate::run::Context;

/// Arguments of `dcm permission`.
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
    /// Create a permission; it counts from the next instantiate or update on
    Create(Write),
    /// Create a permission, or replace the one of this name
    Set(Write),
    /// Show a permission
    Get(One),
    /// List the permissions of a logical cloud
    List {
        #[command(flatten)]
        cloud: CloudArguments,
    },
    /// Delete a permission; it counts from the next update on
    Delete(One),
}

#[derive(Debug, Args)]
struct One {
    /// Name of the permission
    #[arg(value_parser = segment)]
    name: String,
    #[command(flatten)]
    cloud: CloudArguments,
}

#[derive(Debug, Args)]
struct Write {
    #[command(flatten)]
    one: One,
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

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Create(write) => {
            let (all, name, document) = document(write);
            resource::create::<Permission>(context, format, (&all, &name), &document).await
        }
        Action::Set(write) => {
            let (all, name, document) = document(write);
            resource::put::<Permission>(context, format, (&all.join(&name), &name), &document).await
        }
        Action::Get(one) => resource::get::<Permission>(context, format, &path(&one)).await,
        Action::List { cloud } => {
            resource::list::<Permission>(context, format, &collection(&cloud)).await
        }
        Action::Delete(one) => {
            resource::delete::<Permission>(context, &path(&one), &one.name).await
        }
    }
}

fn document(write: Write) -> (Path, String, PermissionDocument) {
    let name = write.one.name;
    let document = PermissionDocument {
        metadata: write.metadata.named(&name),
        spec: PermissionSpec {
            namespace: if write.cluster_wide {
                Some(String::new())
            } else {
                write.namespace
            },
            user: write.user,
            api_groups: write.api_groups,
            resources: write.resources,
            verbs: write.verbs,
        },
        status: None,
    };
    (collection(&write.one.cloud), name, document)
}

fn collection(cloud: &CloudArguments) -> Path {
    super::logical_cloud::path(&cloud.project.project, &cloud.cloud).join("user-permissions")
}

fn path(one: &One) -> Path {
    collection(&one.cloud).join(&one.name)
}
