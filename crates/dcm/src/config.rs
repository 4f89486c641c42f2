//! The configuration: one TOML file, environment variables `DCM__SECTION__KEY`, few flags.
//!
//! Each part owns its settings next to its code; here they are only put together. Unknown keys are
//! refused wherever they come from. Nothing in it is secret: secrets are files, named by their path.

mod keys;
mod sources;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{ca, data_directory, listener, mesh, telemetry, traces};

pub use sources::{Error, Loaded, Sources, environment};

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the REST interface is served.
    pub server: listener::Config,
    /// Where documents and keys are kept.
    pub store: data_directory::Config,
    /// What clusters may be.
    pub clusters: Clusters,
    /// What the server writes about itself.
    pub log: telemetry::Config,
    /// Spans of what it does, for a collector. Off by default.
    pub traces: traces::Config,
    /// The synchronizer, which makes clusters match.
    pub sync: dcm_sync::Config,
    /// The CA controller, which makes the authorities of meshes.
    pub ca: ca::Config,
    /// Meshes of logical clouds.
    pub mesh: mesh::Config,
}

/// `[clusters]` of the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clusters {
    /// Address ranges in CIDR form in which API servers of clusters may lie although they are refused
    /// by default: loopback, link-local, private and reserved ones. Cloud metadata addresses and our
    /// own listener stay refused. Default: none.
    pub allow_addresses: Vec<IpNet>,
}

impl Config {
    /// The effective configuration as TOML. It holds no secret.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}

/// Reads a configuration, later sources over earlier ones.
pub fn load(sources: &Sources) -> Result<Loaded, Error> {
    sources::load(sources)
}

/// The sources that a command line names, with the environment of this process.
pub fn sources(arguments: &crate::arguments::ConfigArguments) -> Sources {
    Sources {
        file: arguments.config.clone(),
        variables: environment(),
        listen: arguments.listen,
        data_dir: arguments.data_dir.clone(),
    }
}
