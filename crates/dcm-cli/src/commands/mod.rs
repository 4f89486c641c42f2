//! The client commands, one file per noun: arguments, and what is done with them.

pub mod admin;
pub mod cluster;
pub mod completion;
pub mod kubeconfig;
pub mod logical_cloud;
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
    /// Projects: the tenants
    Project(project::Arguments),

    /// Cluster providers: groups of clusters
    Provider(provider::Arguments),

    /// Clusters: register them, see whether they are healthy
    Cluster(cluster::Arguments),

    /// Logical clouds: slices through chosen clusters
    #[command(visible_alias = "lc")]
    LogicalCloud(logical_cloud::Arguments),

    /// Cluster references: which clusters a logical cloud spans
    Reference(reference::Arguments),

    /// Quotas of a logical cloud
    Quota(quota::Arguments),

    /// Users of a logical cloud
    User(user::Arguments),

    /// Permissions of the users of a logical cloud
    Permission(permission::Arguments),

    /// Tombstones: what is left of deleted logical clouds in clusters that did not answer
    Tombstone(tombstone::Arguments),

    /// The synchronizer: what it works on, and what it waits for
    Sync(sync::Arguments),

    /// What an operator does after an accident
    Admin(admin::Arguments),

    /// Get the kubeconfig of a logical cloud
    Kubeconfig(kubeconfig::Arguments),

    /// Print a completion script for a shell
    Completion(completion::Arguments),
}

/// Runs a command that talks to a server.
pub(crate) async fn run(command: Command, context: &Context<'_>) -> Result<(), Error> {
    match command {
        Command::Project(arguments) => project::run(arguments, context).await,
        Command::Provider(arguments) => provider::run(arguments, context).await,
        Command::Cluster(arguments) => cluster::run(arguments, context).await,
        Command::LogicalCloud(arguments) => logical_cloud::run(arguments, context).await,
        Command::Reference(arguments) => reference::run(arguments, context).await,
        Command::Quota(arguments) => quota::run(arguments, context).await,
        Command::User(arguments) => user::run(arguments, context).await,
        Command::Permission(arguments) => permission::run(arguments, context).await,
        Command::Tombstone(arguments) => tombstone::run(arguments, context).await,
        Command::Sync(arguments) => sync::run(arguments, context).await,
        Command::Admin(arguments) => admin::run(arguments, context).await,
        Command::Kubeconfig(arguments) => kubeconfig::run(arguments, context).await,
        // It needs no server, and was handled before a client was made.
        Command::Completion(_) => Ok(()),
    }
}
