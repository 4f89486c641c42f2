//! `dcm kubeconfig`: the tenant's credentials, for one member or for all.

use std::path::{Path as FilePath, PathBuf};

use clap::Args;
use dcm_pki::kubeconfig::lacks_key;
use dcm_wire::documents::ReferenceDocument;
use secrecy::ExposeSecret as _;

use super::client_key::{ClientKeyArguments, into_kubeconfig, into_plugin};
use crate::arguments::{ClusterPath, ProjectArguments, cluster_path, segment};
use crate::client::{Path, decode};
use crate::error::Error;
use crate::file;
use crate::resource;
use crate::run::Context;

/// Arguments of `dcm kubeconfig`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The logical cloud
    #[arg(value_parser = segment)]
    name: String,

    #[command(flatten)]
    project: ProjectArguments,

    /// Only this member; without it there is one context per member
    #[arg(long, value_name = "PROVIDER/NAME", value_parser = cluster_path)]
    cluster: Option<ClusterPath>,

    /// Whose; without it, the first user's
    #[arg(long, value_name = "USER", value_parser = segment)]
    user: Option<String>,

    /// Name `dcm credential` in it, which asks for the present credential at each use, instead of one
    #[arg(long)]
    exec: bool,

    #[command(flatten)]
    client_key: ClientKeyArguments,

    /// File to write, readable by its owner only; without it, or with `-`, standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let cloud = super::logical_cloud::path(&arguments.project.project, &arguments.name);
    let path = match &arguments.cluster {
        None => cloud.join("kubeconfig"),
        Some(cluster) => {
            let references = cloud.join("cluster-references");
            let name = reference_name(context, &references, &arguments.name, cluster).await?;
            references.join(&name).join("kubeconfig")
        }
    };
    let user = arguments.user.map(|user| ("user", user));
    let exec = arguments
        .exec
        .then(|| ("exec", context.client.server().to_owned()));
    let query = user.into_iter().chain(exec).collect();
    let text = context.client.get_text(&path, query).await?;
    let text = match arguments.client_key.path() {
        Some(key) if arguments.exec => into_plugin(&text, key)?,
        Some(key) => into_kubeconfig(&text, key)?.expose_secret().to_owned(),
        None => {
            if lacks_key(&text) {
                context.terminal.warn(
                    "the user keeps their key, so it is not in this: --client-key FILE puts it in",
                );
            }
            text
        }
    };
    match arguments.output.as_deref() {
        Some(file) if file != FilePath::new("-") => {
            file::write_secret(file, &text)?;
            context
                .terminal
                .note(&format!("wrote {}, readable by you only", file.display()));
            Ok(())
        }
        _ => context.terminal.data(&text),
    }
}

/// The name of the reference that makes a cluster a member.
pub(super) async fn reference_name(
    context: &Context<'_>,
    references: &Path,
    cloud: &str,
    cluster: &ClusterPath,
) -> Result<String, Error> {
    for value in resource::read_all(context, references).await? {
        let reference: ReferenceDocument = decode(value, "cluster reference")?;
        if reference.spec.cluster_provider == cluster.provider
            && reference.spec.cluster == cluster.cluster
        {
            return Ok(reference.metadata.name);
        }
    }
    Err(Error::NoSuchMember {
        cloud: cloud.to_owned(),
        cluster: cluster.to_string(),
    })
}
