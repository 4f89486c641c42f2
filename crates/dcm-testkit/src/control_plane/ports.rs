//! Free loopback ports that stay ours while a server on them is stopped.
//!
//! Ports are taken from below the range that the kernel uses for outgoing connections, else any
//! connection of the tests could sit on the port of a stopped server. A lock file per port keeps other test
//! processes of this user away; strangers are noticed when the server fails to bind.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;

const RANGE: Range<u16> = 20_000..32_000;

/// A port of our own until dropped.
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Takes a free port; `locks` is a folder shared by all processes of this user.
    pub(crate) fn take(locks: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(locks)?;
        // A random start, so that processes that start together do not go for the same ports.
        let seed = RandomState::new().hash_one(std::process::id());
        let count = u64::from(RANGE.end - RANGE.start);
        for step in 0..count {
            let offset = u16::try_from((seed % count + step) % count).unwrap_or(0);
            if let Some(port) = Self::try_take(locks, RANGE.start + offset)? {
                return Ok(port);
            }
        }
        Err(io::Error::from(io::ErrorKind::AddrInUse))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    fn try_take(locks: &Path, number: u16) -> io::Result<Option<Self>> {
        let path = locks.join(number.to_string());
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        let free =
            lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(free.then_some(Self {
            number,
            _lock: lock,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_not_given_twice_until_it_is_dropped() {
        let locks = tempfile::tempdir().unwrap();
        let port = Port::take(locks.path()).unwrap();
        let number = port.number();
        assert!(Port::try_take(locks.path(), number).unwrap().is_none());
        drop(port);
        assert!(Port::try_take(locks.path(), number).unwrap().is_some());
    }

    #[test]
    fn a_port_on_which_somebody_listens_is_not_given() {
        let locks = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = listener.local_addr().unwrap().port();
        assert!(Port::try_take(locks.path(), number).unwrap().is_none());
    }
}
