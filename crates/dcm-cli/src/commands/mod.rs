//! The client commands, one file per noun: arguments, and what is done with them.

pub mod admin;
pub mod ca;
mod client_key;
pub mod cluster;
pub mod cluster_label;
pub mod completion;
pub mod controller;
pub mod credential;
pub mod files;
pub mod key_values;
pub mod kubeconfig;
pub mod logical_cloud;
pub mod man;
pub mod mesh;
pub mod permission;
pub mod project;
pub mod provider;
pub mod quota;
pub mod reference;
pub mod sync;
pub mod tombstone;
pub mod user;

use clap::Subcommand;

use crate::error::Error;
use crate::run::Context;

/// A client command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make true what files say: all of their documents, or none.
    ///
    /// A document names its `kind` (`Project`, `Cluster`, `LogicalCloud`, `ClusterReference`, ...) and
    /// what it belongs to (`project`, `logicalCloud`, `clusterProvider`, `cluster`), beside the
    /// document of the REST interface; or its `resourceContext.anchor`, as for EMCO's tool. See
    /// docs/files.md.
    Apply(files::ApplyArguments),

    /// Show how the documents of files are stored now
    Get(files::GetArguments),

    /// Delete the documents of files, last things first; what is instantiated is terminated before
    Delete(files::DeleteArguments),

    /// Projects: the tenants
    Project(project::Arguments),

    /// Cluster providers: groups of clusters
    Provider(provider::Arguments),

    /// Clusters: register them, see whether they are healthy
    Cluster(cluster::Arguments),

    /// Labels of clusters
    ClusterLabel(cluster_label::Arguments),

    /// Key-values of clusters, kept for clients
    ClusterKv(key_values::OfClusterArguments),

    /// Key-values with which repositories are reached; tokens may be among them
    SyncObject(key_values::OfProviderArguments),

    /// Logical clouds: slices through chosen clusters
    #[command(visible_alias = "lc")]
    LogicalCloud(logical_cloud::Arguments),

    /// Cluster references: which clusters a logical cloud spans
    Reference(reference::Arguments),

    /// Quotas of a logical cloud; a change counts from the next instantiate or update on
    Quota(quota::Arguments),

    /// Users of a logical cloud; a change counts from the next instantiate or update on
    User(user::Arguments),

    /// Permissions of users; a change counts from the next instantiate or update on
    Permission(permission::Arguments),

    /// Key-values of a logical cloud, kept for clients
    CloudKv(key_values::OfCloudArguments),

    /// Controllers of the later system, kept for its clients
    Controller(controller::Arguments),

    /// Tombstones: what is left of deleted logical clouds in clusters that did not answer
    Tombstone(tombstone::Arguments),

    /// The synchronizer: what it works on, and what it waits for
    Sync(sync::Arguments),

    /// What an operator does after an accident
    Admin(admin::Arguments),

    /// Get the kubeconfig of a logical cloud
    Kubeconfig(kubeconfig::Arguments),

    /// Certificate authorities of meshes: show, rotate, revoke, judge a bundle
    Ca(ca::Arguments),

    /// Meshes of logical clouds: what their members shall hold
    Mesh(mesh::Arguments),

    /// Print the manual page, or write one page per command
    Man(man::Arguments),

    /// Print the present credential for a member; kubeconfigs made with `--exec` call it
    Credential(credential::Arguments),

    /// Print a completion script for a shell
    Completion(completion::Arguments),
}

/// Runs a command that talks to a server.
pub(crate) async fn run(command: Command, context: &Context<'_>) -> Result<(), Error> {
    match command {
        Command::Apply(arguments) => files::apply(arguments, context).await,
        Command::Get(arguments) => files::get(arguments, context).await,
        Command::Delete(arguments) => files::delete(arguments, context).await,
        Command::Project(arguments) => project::run(arguments, context).await,
        Command::Provider(arguments) => provider::run(arguments, context).await,
        Command::Cluster(arguments) => cluster::run(arguments, context).await,
        Command::ClusterLabel(arguments) => cluster_label::run(arguments, context).await,
        Command::ClusterKv(arguments) => key_values::of_cluster(arguments, context).await,
        Command::SyncObject(arguments) => key_values::of_provider(arguments, context).await,
        Command::CloudKv(arguments) => key_values::of_cloud(arguments, context).await,
        Command::Controller(arguments) => controller::run(arguments, context).await,
        Command::LogicalCloud(arguments) => logical_cloud::run(arguments, context).await,
        Command::Reference(arguments) => reference::run(arguments, context).await,
        Command::Quota(arguments) => quota::run(arguments, context).await,
        Command::User(arguments) => user::run(arguments, context).await,
        Command::Permission(arguments) => permission::run(arguments, context).await,
        Command::Tombstone(arguments) => tombstone::run(arguments, context).await,
        Command::Sync(arguments) => sync::run(arguments, context).await,
        Command::Admin(arguments) => admin::run(arguments, context).await,
        Command::Kubeconfig(arguments) => kubeconfig::run(arguments, context).await,
        Command::Credential(arguments) => credential::run(arguments, context).await,
        Command::Ca(arguments) => ca::run(arguments, context).await,
        Command::Mesh(arguments) => mesh::run(arguments, context).await,
        // They need no server, and were handled before a client was made.
        Command::Completion(_) | Command::Man(_) => Ok(()),
    }
}
