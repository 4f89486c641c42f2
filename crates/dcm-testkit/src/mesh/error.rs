//! What can go wrong with the control plane of a mesh, with the words of the process where it has some.

use std::io;
use std::time::Duration;

use crate::{assets, control_plane};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Assets(#[from] assets::Error),
    #[error(transparent)]
    ControlPlane(#[from] control_plane::Error),
    #[error("preparing the folder of a mesh's control plane")]
    PrepareFolder(#[source] io::Error),
    #[error("finding free loopback ports")]
    FindPorts(#[source] io::Error),
    #[error("starting {program}")]
    Spawn {
        program: &'static str,
        source: io::Error,
    },
    #[error("pilot-discovery ended by itself ({status}); its last lines:\n{logs}")]
    Ended { status: String, logs: String },
    #[error("pilot-discovery is not ready after {}s; its last lines:\n{logs}", waited.as_secs())]
    NotReady { waited: Duration, logs: String },
    #[error("making a key and a request for a workload")]
    Request(#[from] rcgen::Error),
    #[error("kubectl refused to {doing}: {said}")]
    Kubectl { doing: &'static str, said: String },
    #[error("the member's Secret: {0}")]
    Secret(String),
    #[error("kubectl gave no token for the service account: {0}")]
    Token(String),
    #[error("reaching the certificate service of the mesh")]
    Reach(#[source] io::Error),
    #[error("the certificate service refused: {code}: {message}")]
    Refused { code: String, message: String },
    #[error("reading certificates or a key of a workload")]
    Material(#[source] io::Error),
    #[error("setting up TLS for a handshake")]
    Tls(#[from] rustls::Error),
}
