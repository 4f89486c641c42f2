//! Bounds the time from the first byte of a request's head to its last: a connection that trickles
//! bytes is ended. While a request is being answered there is no limit here.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures::future::BoxFuture;
use hyper::Request;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tower::ServiceExt as _;

use crate::extract::{BodyTime, Ending};

/// What the two sides of a connection know of each other.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// A request is being answered.
    busy: AtomicBool,
    /// How many requests were begun.
    begun: AtomicU64,
}

/// The router as one connection sees it: knows the peer, and tells when a request is being answered.
pub(super) struct PerConnection {
    router: Router,
    peer: SocketAddr,
    ending: Ending,
    body_time: BodyTime,
    activity: Arc<Activity>,
}

impl PerConnection {
    pub(super) fn new(
        router: Router,
        peer: SocketAddr,
        ending: Ending,
        body_time: BodyTime,
    ) -> Self {
        Self {
            router,
            peer,
            ending,
            body_time,
            activity: Arc::default(),
        }
    }

    /// What the stream needs to know.
    pub(super) fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }
}

impl hyper::service::Service<Request<Incoming>> for PerConnection {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.activity.begun.fetch_add(1, Ordering::Relaxed);
        self.activity.busy.store(true, Ordering::Relaxed);
        let activity = Arc::clone(&self.activity);
        let router = self.router.clone();
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.ending.clone());
        request.extensions_mut().insert(self.body_time);
        Box::pin(async move {
            let response = router.oneshot(request).await;
            activity.busy.store(false, Ordering::Relaxed);
            response
        })
    }
}

/// A stream that fails when the head of a request takes too long.
pub(super) struct HeadTimed<S> {
    stream: S,
    limit: Duration,
    activity: Arc<Activity>,
    /// Runs from the first byte of a head, with the count of requests begun before it: when that
    /// has grown, the head is complete.
    deadline: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<S> HeadTimed<S> {
    pub(super) fn new(stream: S, limit: Duration, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            limit,
            activity,
            deadline: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let begun = this.activity.begun.load(Ordering::Relaxed);
        if let Some((before, deadline)) = &mut this.deadline {
            if *before != begun {
                this.deadline = None;
            } else if deadline.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let idle = !this.activity.busy.load(Ordering::Relaxed);
        if idle && this.deadline.is_none() && buffer.filled().len() > filled {
            this.deadline = Some((begun, Box::pin(sleep(this.limit))));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTimed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
