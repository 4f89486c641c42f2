//! A TCP proxy that fails as networks do, and as told: see [`Mode`].
//!
//! It stands between a program under test and a server, and keeps one address for as long as it lives, also
//! while nobody listens there. A change of mode concerns connections that are there and those to come. What was
//! held back goes on when the mode lets it; nothing is invented and nothing is left out, so that TLS goes through.
//!
//! Ends with the value, and cuts its connections then.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Connections that the kernel may keep for us.
const BACKLOG: u32 = 128;
/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Time between two bytes of a drip.
const DRIP: Duration = Duration::from_secs(1);

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They go through.
    Pass,
    /// Nobody listens; connections that were there are reset.
    Refuse,
    /// They are made, and nothing moves in either direction.
    Hang,
    /// They are made, and reset at once; those that were there, too.
    Reset,
    /// What the caller sends arrives; nothing comes back, not even the end.
    HalfOpen,
    /// What the caller sends arrives; the answer comes one byte a second.
    Drip,
    /// Everything arrives, so much later.
    Delay(Duration),
}

impl Mode {
    /// One of each kind that keeps a caller from its answer.
    pub const FAILURES: [Self; 5] = [
        Self::Refuse,
        Self::Hang,
        Self::Reset,
        Self::HalfOpen,
        Self::Drip,
    ];

    fn cuts(self) -> bool {
        matches!(self, Self::Refuse | Self::Reset)
    }

    /// Whether bytes stay where they are.
    fn holds(self, way: Way) -> bool {
        match self {
            Self::Hang => true,
            Self::HalfOpen => way == Way::Back,
            _ => false,
        }
    }
}

/// A direction, as the caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// A proxy on a loopback port in front of one server.
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    taken: Arc<AtomicU64>,
    accepting: AbortHandle,
    /// Bound and never listening: keeps the port ours while nobody listens.
    _place: TcpSocket,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Starts one that lets everything through. Must be called within a tokio runtime.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let place = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = place.local_addr()?;
        let listener = listen(address)?;
        let (mode, modes) = watch::channel(Mode::Pass);
        let taken = Arc::<AtomicU64>::default();
        let line = Line {
            address,
            server,
            modes,
            taken: Arc::clone(&taken),
        };
        let accepting = tokio::spawn(line.serve(listener)).abort_handle();
        Ok(Self {
            address,
            mode,
            taken,
            accepting,
            _place: place,
        })
    }

    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what happens from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many connections were made so far. Those that were refused do not count.
    pub fn connections(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // So that the port can be taken again beside its place holder, and beside old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address)?.listen(BACKLOG)
}

/// What the task of a proxy works with.
struct Line {
    address: SocketAddr,
    server: SocketAddr,
    modes: watch::Receiver<Mode>,
    taken: Arc<AtomicU64>,
}

impl Line {
    async fn serve(mut self, listener: TcpListener) {
        let mut listener = Some(listener);
        let mut connections = JoinSet::new();
        loop {
            let refuses = *self.modes.borrow_and_update() == Mode::Refuse;
            if refuses {
                listener = None;
            } else if listener.is_none() {
                listener = listen(self.address).ok();
            }
            tokio::select! {
                stream = accept(listener.as_ref()) => {
                    self.taken.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(connection(stream, self.server, self.modes.clone()));
                }
                changed = self.modes.changed() => if changed.is_err() { return },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// The next connection; never comes where nobody listens.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
    }
}

/// One connection, until both sides have said all, or until the mode cuts it.
async fn connection(mut caller: TcpStream, server: SocketAddr, mut modes: watch::Receiver<Mode>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let carried = carry(&mut caller, &mut server, modes.clone());
    tokio::select! {
        biased;
        _ = modes.wait_for(|mode| mode.cuts()) => {}
        _ = carried => return,
    }
    for stream in [caller, server] {
        // Closing it now becomes a reset.
        let _ = stream.set_zero_linger();
    }
}

async fn carry(
    caller: &mut TcpStream,
    server: &mut TcpStream,
    modes: watch::Receiver<Mode>,
) -> io::Result<()> {
    caller.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_caller, to_caller) = caller.split();
    let (from_server, to_server) = server.split();
    tokio::try_join!(
        pump(from_caller, to_server, Way::There, modes.clone()),
        pump(from_server, to_caller, Way::Back, modes),
    )?;
    Ok(())
}

/// Moves bytes in one direction until their end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    mut modes: watch::Receiver<Mode>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        held(&mut modes, way).await;
        let count = from.read(&mut buffer).await?;
        let mut rest = &buffer[..count];
        // The end, like everything else, waits for the mode.
        let mode = held(&mut modes, way).await;
        if count == 0 {
            return to.shutdown().await;
        }
        if let Mode::Delay(time) = mode {
            tokio::time::sleep(time).await;
        }
        while !rest.is_empty() {
            let mode = held(&mut modes, way).await;
            let drips = mode == Mode::Drip && way == Way::Back;
            let (now, later) = rest.split_at(if drips { 1 } else { rest.len() });
            to.write_all(now).await?;
            rest = later;
            if drips {
                // Another mode does not wait for the next drop.
                let changed = modes.wait_for(|mode| *mode != Mode::Drip);
                let _ = tokio::time::timeout(DRIP, changed).await;
            }
        }
    }
}

/// Waits until bytes may move; gives the mode that lets them.
async fn held(modes: &mut watch::Receiver<Mode>, way: Way) -> Mode {
    let mode = modes.wait_for(|mode| !mode.holds(way)).await;
    match mode.map(|mode| *mode) {
        Ok(mode) => mode,
        // The proxy is gone, and this task with it in a moment.
        Err(_) => std::future::pending().await,
    }
}
