//! The whole command line: what the server takes, and the commands of the client.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use dcm_cli::ClientArguments;

/// Distributed Cloud Manager: logical clouds across many Kubernetes clusters
#[derive(Debug, Parser)]
#[command(
    name = "dcm",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What client commands share.
    #[command(flatten)]
    pub client: ClientArguments,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server, with all it needs, on an embedded store
    Serve(ConfigArguments),

    /// The configuration of the server
    #[command(subcommand)]
    Config(ConfigCommand),

    /// A command of the client.
    #[command(flatten)]
    Client(Box<dcm_cli::Command>),
}

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration that `dcm serve` would run with
    Show(ConfigArguments),
}

/// Where the configuration comes from. Later counts more: defaults, file, environment, flags.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArguments {
    /// Configuration file in TOML; every key can also be set as `DCM__SECTION__KEY`
    #[arg(long, env = "DCM_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:9077]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Directory for the store and the key file; made when it is not there [default: dcm-data]
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
}
