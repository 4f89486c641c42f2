//! Arguments that several commands share, and how their values are read.

use std::time::Duration;

use clap::{Args, ValueEnum};
use dcm_wire::documents::MetadataDocument;
use jiff::SignedDuration;

/// Arguments of every command that talks to a server.
#[derive(Debug, Clone, Args)]
pub struct ClientArguments {
    /// Address of the server that client commands talk to
    #[arg(
        long,
        global = true,
        env = "DCM_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:9077"
    )]
    pub server: String,

    /// When to use colours; with `auto`, `NO_COLOR` is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How data is written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The documents of the REST interface, unchanged.
    Json,
    /// The same documents as YAML.
    Yaml,
}

/// The format of the output.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArguments {
    /// Format of what is written to standard output
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub output: Format,
}

/// The project that a command is about.
#[derive(Debug, Clone, Args)]
pub struct ProjectArguments {
    /// The project
    #[arg(short, long, env = "DCM_PROJECT", value_name = "PROJECT", value_parser = segment)]
    pub project: String,
}

/// The logical cloud that a command is about.
#[derive(Debug, Clone, Args)]
pub struct CloudArguments {
    /// Its project.
    #[command(flatten)]
    pub project: ProjectArguments,

    /// The logical cloud
    #[arg(short, long, value_name = "CLOUD", value_parser = segment)]
    pub cloud: String,
}

/// Free text beside a name.
#[derive(Debug, Clone, Args)]
pub struct MetadataArguments {
    /// Free text, at most 1024 characters
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub description: String,

    /// Free text for your own use, at most 512 characters
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub user_data1: String,

    /// Free text for your own use, at most 512 characters
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub user_data2: String,
}

impl MetadataArguments {
    /// The `metadata` of a document of this name.
    pub(crate) fn named(self, name: &str) -> MetadataDocument {
        MetadataDocument {
            name: name.to_owned(),
            description: self.description,
            user_data1: self.user_data1,
            user_data2: self.user_data2,
        }
    }
}

/// Waiting until a logical cloud is what was wished.
#[derive(Debug, Clone, Args)]
pub struct WaitArguments {
    /// Wait until every member is as wished
    #[arg(short, long)]
    pub wait: bool,

    /// How long to wait at most, for example `90s` or `5m`
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
}

impl WaitArguments {
    /// How long to wait; `None`: not at all.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.wait.then_some(self.timeout)
    }
}

/// A cluster as it is named on the command line: `PROVIDER/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPath {
    /// The provider.
    pub provider: String,
    /// The cluster.
    pub cluster: String,
}

impl std::fmt::Display for ClusterPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.provider, self.cluster)
    }
}

/// A member on the command line: `PROVIDER/NAME`, or `PROVIDER/NAME=ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberArgument {
    /// The cluster.
    pub cluster: ClusterPath,
    /// Address of its load balancer.
    pub load_balancer: Option<String>,
}

/// One limit of a quota: `RESOURCE=QUANTITY`.
pub type Pair = (String, String);

/// Reads a name. The server checks its grammar; here is only what could leave the path of a request.
pub(crate) fn segment(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text == "." || text == ".." || text.contains('/') {
        return Err("must be one name, without '/'".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads `PROVIDER/NAME`.
pub(crate) fn cluster_path(text: &str) -> Result<ClusterPath, String> {
    let (provider, cluster) = text
        .split_once('/')
        .ok_or("must be PROVIDER/NAME, for example 'edges/berlin'")?;
    Ok(ClusterPath {
        provider: segment(provider)?,
        cluster: segment(cluster)?,
    })
}

/// Reads `PROVIDER/NAME[=ADDRESS]`.
pub(crate) fn member(text: &str) -> Result<MemberArgument, String> {
    let (cluster, address) = match text.split_once('=') {
        Some((cluster, address)) => (cluster, Some(address.to_owned())),
        None => (text, None),
    };
    Ok(MemberArgument {
        cluster: cluster_path(cluster)?,
        load_balancer: address,
    })
}

/// Reads `KEY=VALUE`.
pub(crate) fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

/// Reads a duration such as `500ms`, `90s` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text
        .parse()
        .map_err(|_| "must be a duration with a unit, for example '90s' or '5m'".to_owned())?;
    Duration::try_from(signed).map_err(|_| "must not be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_is_named_by_provider_and_name() {
        let parsed = cluster_path("edges/berlin").unwrap();
        assert_eq!(parsed.to_string(), "edges/berlin");
        for bad in ["berlin", "edges/", "/berlin", "a/b/c", "../x", "x/.."] {
            assert!(cluster_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn member_may_carry_an_address() {
        assert_eq!(member("edges/berlin").unwrap().load_balancer, None);
        let with = member("edges/berlin=10.0.0.7").unwrap();
        assert_eq!(with.load_balancer.as_deref(), Some("10.0.0.7"));
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("1m 30s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert!(duration("90").is_err());
        assert!(duration("-5s").is_err());
    }

    #[test]
    fn pairs_need_both_halves() {
        assert_eq!(
            pair("configmaps=5").unwrap(),
            ("configmaps".into(), "5".into())
        );
        assert!(pair("configmaps").is_err());
        assert!(pair("configmaps=").is_err());
        assert!(pair("=5").is_err());
    }
}
