//! Connections: accepts them, bounds them in number and time, and ends them well (T35).
//!
//! HTTP/1.1 only: what stands before it may speak HTTP/2, and hyper's detection of the protocol would
//! wait for the first byte without a time limit.
//!
//! hyper's own time limit begins when the last answer ends, so it bounds how long a connection may be
//! idle; that the head then comes swiftly is seen to by [`head`].

mod head;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::extract::{BodyTime, Ending};
use crate::places::Places;
use head::{HeadTimed, PerConnection};

/// Limits of the listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long the head of a request may take to arrive, from its first byte.
    pub head: Duration,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How long a connection may be idle between requests.
    pub idle: Duration,
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// Connections of one address at the same time; more are closed.
    pub connections_per_address: usize,
    /// Largest head of a request, in bytes.
    pub head_bytes: usize,
    /// How long requests may go on after the end was asked for.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            body: BodyTime::DEFAULT,
            idle: Duration::from_mins(1),
            connections: 2048,
            connections_per_address: 1792,
            head_bytes: 32 * 1024,
            shutdown: Duration::from_secs(10),
        }
    }
}

/// Serves until `shutdown` completes; then lets requests end, for as long as the limits say.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let places = Places::new(limits.connections_per_address);
    let graceful = GracefulShutdown::new();
    let ending = Ending::default();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepting = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            next = accepting => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                rest_after(&error).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            tracing::debug!("an address has too many connections, one more is closed");
            continue;
        };
        let connection = graceful.watch(connect(stream, &router, &limits, (peer, ending.clone())));
        connections.spawn(async move {
            let _held = (permit, place);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    // Those who wait for something get an answer now, and streams end.
    ending.0.cancel();
    if tokio::time::timeout(limits.shutdown, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests that did not end in time are dropped");
    }
    Ok(())
}

type Connection = http1::Connection<TokioIo<HeadTimed<TcpStream>>, PerConnection>;

fn connect(
    stream: TcpStream,
    router: &Router,
    limits: &Limits,
    (peer, ending): (SocketAddr, Ending),
) -> Connection {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = PerConnection::new(router.clone(), peer, ending, BodyTime(limits.body));
    let stream = HeadTimed::new(stream, limits.head, service.activity());
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_header_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service)
}

/// Out of file descriptors, for example: a connection that the peer closed needs no rest.
async fn rest_after(error: &io::Error) {
    let peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !peer {
        tracing::error!(%error, "connections cannot be accepted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
