//! The connection to a member: resolved once, checked by policy, connected to exactly that address (T5).

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use dcm_pki::kubeconfig::{Host, Server};
use dcm_types::address::AddressPolicy;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{CallError, CallErrorKind};

/// Resolves the server's name and checks every address that it has; one refused address refuses all,
/// so that a name cannot show a harmless one first.
pub(crate) async fn resolve(
    server: &Server,
    policy: &AddressPolicy,
    deadline: Duration,
) -> Result<SocketAddr, CallError> {
    let addresses = match &server.host {
        Host::Address(address) => vec![SocketAddr::new(*address, server.port)],
        Host::Name(name) => look_up(name, server.port, deadline).await?,
    };
    for address in &addresses {
        policy.check_socket(*address).map_err(|refusal| {
            CallError::new(
                CallErrorKind::RefusedAddress,
                "connect",
                &refusal.to_string(),
            )
        })?;
    }
    addresses.first().copied().ok_or_else(|| {
        CallError::new(
            CallErrorKind::Unreachable,
            "resolve",
            "the server's name has no address",
        )
    })
}

async fn look_up(name: &str, port: u16, deadline: Duration) -> Result<Vec<SocketAddr>, CallError> {
    let answer = tokio::time::timeout(deadline, tokio::net::lookup_host((name, port))).await;
    match answer {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(_)) => Err(CallError::new(
            CallErrorKind::Unreachable,
            "resolve",
            "the server's name cannot be resolved",
        )),
        Err(_) => Err(CallError::new(
            CallErrorKind::Timeout,
            "resolve",
            "no answer from the name service in time",
        )),
    }
}

/// Connects to one fixed address, whatever the URL says; TLS above it still checks the URL's name.
#[derive(Debug, Clone)]
pub(crate) struct PinnedConnector {
    pub(crate) address: SocketAddr,
    pub(crate) deadline: Duration,
}

impl tower::Service<http::Uri> for PinnedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: http::Uri) -> Self::Future {
        let Self { address, deadline } = *self;
        Box::pin(async move {
            let stream = tokio::time::timeout(deadline, TcpStream::connect(address)).await??;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}
