//! What can go wrong in a client command.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::problem::Problem;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server refused, or failed.
    #[error("{}", .0.summary())]
    Refused(Box<Problem>),
    /// `--server` is not an address that can be used.
    #[error("'{server}' is not an address of a server: {reason}")]
    ServerAddress { server: String, reason: String },
    /// No connection.
    #[error("cannot connect to {server}")]
    Connect {
        server: String,
        #[source]
        source: reqwest::Error,
    },
    /// A connection, and no answer in time.
    #[error("{server} did not answer within {} s", after.as_secs())]
    NoAnswer { server: String, after: Duration },
    /// The connection broke, or what came over it is not HTTP.
    #[error("exchange a request with {server}")]
    Exchange {
        server: String,
        #[source]
        source: reqwest::Error,
    },
    /// Something answered that is not our server.
    #[error("{server} answered {status} with something that is not ours: {excerpt}")]
    Foreign {
        server: String,
        status: u16,
        excerpt: String,
    },
    /// The server answered a document that this version does not understand.
    #[error("understand the {what} that the server answered")]
    Decode {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// A request cannot be written as JSON.
    #[error("write a request as JSON")]
    Encode(#[source] serde_json::Error),
    /// A file cannot be read.
    #[error("read {}", path.display())]
    ReadFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("write {}", path.display())]
    WriteFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Files cannot be understood; line by line.
    #[error("the files cannot be applied as they are")]
    Manifests(Vec<String>),
    /// Documents of files are not there.
    #[error("{missing} of the documents do not exist")]
    Absent { missing: usize },
    /// A document cannot be written as YAML.
    #[error("write a document as YAML")]
    EncodeYaml(#[source] Box<serde_saphyr::SerializeError>),
    /// A file is no Secret with a bundle.
    #[error("read a bundle from {}: it {rule}", path.display())]
    NoBundle { path: PathBuf, rule: String },
    /// A bundle breaks rules; they were shown.
    #[error("{broken} rule(s) broken")]
    BadBundle { broken: usize },
    /// Events of keys are not right; they were shown.
    #[error("{broken} chain(s) of key events are not right")]
    BadRecord { broken: usize },
    /// Standard output is gone or full.
    #[error("write to standard output")]
    Output(#[source] io::Error),
    /// The logical cloud has no such member.
    #[error("logical cloud '{cloud}' has no member '{cluster}'")]
    NoSuchMember { cloud: String, cluster: String },
    /// The key of a user cannot be made, or is not the one that is needed.
    #[error("use the key in {}", path.display())]
    ClientKey {
        path: PathBuf,
        #[source]
        source: dcm_pki::Error,
    },
    /// The certificate is of no use without its key, and nobody said where that is.
    #[error("the user keeps their key")]
    KeyIsKept,
    /// Waiting ended first.
    #[error("timed out after {after:?}: {waiting}")]
    TimedOut { after: Duration, waiting: String },
    /// A member needs somebody's attention.
    #[error("{0}")]
    Degraded(String),
    /// The HTTP client could not be set up.
    #[error("set up the HTTP client")]
    Client(#[source] reqwest::Error),
}
