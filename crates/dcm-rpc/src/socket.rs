//! A socket that nobody but us can open: a file of mode 0600 in a folder of mode 0700, and a look at who is at the
//! other end.
//!
//! A lock beside it says who serves it. Whoever holds the lock may remove a socket that a dead process left.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::net::{UnixListener, UnixStream};

/// How long nothing is accepted after the system could not.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something of the file system does not work.
    #[error("{doing} {path}")]
    Io {
        /// What we were doing.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The path has no folder of its own.
    #[error("the socket {path} must be a file in a folder")]
    Nowhere {
        /// Of the socket.
        path: PathBuf,
    },
    /// Others have rights in the folder.
    #[error("the folder {path} of the socket is open to others (mode {mode:03o}, owner {owner})")]
    Exposed {
        /// Of the folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Its owner.
        owner: u32,
    },
    /// Something else has the name.
    #[error("{path} is there and is no socket")]
    Occupied {
        /// Of the socket.
        path: PathBuf,
    },
    /// Another process serves it.
    #[error("another process serves the socket {path}")]
    Served {
        /// Of the socket.
        path: PathBuf,
    },
    /// The server failed.
    #[error("serve the CA controller")]
    Serve(#[source] tonic::transport::Error),
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "give a path of at most 100 bytes where we may make files",
            Self::Nowhere { .. } => "give an absolute path such as /run/dcm/ca.sock",
            Self::Exposed { .. } => "give it to the user of this process alone: chmod 700",
            Self::Occupied { .. } => "give the socket another path, or remove that file",
            Self::Served { .. } => "end the other process, or give this one another path",
            Self::Serve(_) => "see the cause",
        }
    }
}

/// A socket that we serve. Its file goes with it.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: std::os::unix::net::UnixListener,
    // Held as long as the socket is there.
    _lock: File,
}

impl Socket {
    /// Makes the socket, and its folder if that is missing.
    pub fn bind(path: &Path) -> Result<Self, Error> {
        private_folder_of(path)?;
        let lock = lock(path)?;
        remove_stale(path)?;
        let listener = std::os::unix::net::UnixListener::bind(path);
        let listener = listener.map_err(failed("make the socket", path))?;
        // Until here the folder alone has kept others away.
        let closed = fs::set_permissions(path, Permissions::from_mode(0o600));
        closed.map_err(failed("close the socket", path))?;
        let turned = listener.set_nonblocking(true);
        turned.map_err(failed("prepare the socket", path))?;
        Ok(Self {
            path: path.to_owned(),
            listener,
            _lock: lock,
        })
    }

    /// Connections of processes of that user; those of others are closed. Needs a runtime.
    pub(crate) fn connections(
        &self,
        user: u32,
    ) -> Result<impl Stream<Item = io::Result<UnixStream>> + use<>, Error> {
        let listener = self.listener.try_clone().and_then(UnixListener::from_std);
        let listener = listener.map_err(failed("listen at the socket", &self.path))?;
        Ok(stream::unfold(listener, move |listener| async move {
            let next = next_of(&listener, user).await;
            Some((next, listener))
        }))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Left behind it would be removed by whoever comes next.
        fs::remove_file(&self.path).ok();
    }
}

/// The user that this process works for.
pub(crate) fn ourselves() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the other end belongs to that user.
pub(crate) fn belongs_to(stream: &UnixStream, user: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == user)
}

async fn next_of(listener: &UnixListener, user: u32) -> io::Result<UnixStream> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if belongs_to(&stream, user) => return Ok(stream),
            Ok(_) => tracing::warn!("a process of another user was refused at the CA socket"),
            Err(error) => {
                // Such as too many open files: without a pause this would spin.
                tokio::time::sleep(PAUSE).await;
                return Err(error);
            }
        }
    }
}

fn private_folder_of(path: &Path) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let Some(folder) = folder.filter(|_| path.is_absolute()) else {
        let path = path.to_owned();
        return Err(Error::Nowhere { path });
    };
    let present = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    present.map_err(failed("make the folder", folder))?;
    let found = fs::metadata(folder).map_err(failed("look at the folder", folder))?;
    let (mode, owner) = (found.mode() & 0o777, found.uid());
    if mode & 0o077 != 0 || owner != ourselves() {
        let path = folder.to_owned();
        return Err(Error::Exposed { path, mode, owner });
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = Path::new(&name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let lock = options.open(name).map_err(failed("open the lock", name))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => {
            let path = path.to_owned();
            Err(Error::Served { path })
        }
        Err(fs::TryLockError::Error(source)) => Err(failed("take the lock", name)(source)),
    }
}

/// The lock is ours, so nobody serves what is there.
fn remove_stale(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            fs::remove_file(path).map_err(failed("remove the old socket", path))
        }
        Ok(_) => {
            let path = path.to_owned();
            Err(Error::Occupied { path })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look at the socket", path)(error)),
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::StreamExt as _;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_process_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca/ca.sock");
        let socket = Socket::bind(&path).unwrap();
        let mut connections = pin!(socket.connections(ourselves() + 1).unwrap());
        let mut peer = UnixStream::connect(&path).await.unwrap();
        let mut buffer = [0];
        tokio::select! {
            _ = connections.next() => panic!("it was let in"),
            // Closed without a byte.
            read = peer.read(&mut buffer) => assert_eq!(read.unwrap(), 0),
        }
    }

    #[tokio::test]
    async fn a_process_of_the_same_user_is_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca/ca.sock");
        let socket = Socket::bind(&path).unwrap();
        let mut connections = pin!(socket.connections(ourselves()).unwrap());
        let peer = UnixStream::connect(&path).await.unwrap();
        let let_in = connections.next().await.unwrap().unwrap();
        assert!(belongs_to(&peer, ourselves()) && belongs_to(&let_in, ourselves()));
        assert!(!belongs_to(&peer, ourselves() + 1));
    }
}
