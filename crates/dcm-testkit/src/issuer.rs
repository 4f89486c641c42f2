//! An issuer of authorities on a socket: TLS, the calls of Vault and of step-ca, certificates that are really signed;
//! and everything that may be wrong with an answer.
//!
//! As the real ones do, it writes the subject anew, as other kinds of text than it was asked with.

mod server;
mod signer;
mod tokens;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

pub use signer::Signer;

/// The token that Vault wants.
pub const TOKEN: &str = "hvs.canary-5b1a2f6e0c9d";
/// The mount of Vault's PKI engine.
pub const MOUNT: &str = "pki/mesh";
/// The name of step-ca's provisioner.
pub const PROVISIONER: &str = "dcm";

/// What is wrong with the next answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// For another key.
    AnotherKey,
    /// With another common name.
    AnotherSubject,
    /// Without the names that were asked for.
    OtherNames,
    /// Valid for ten years more.
    TooLong,
    /// Valid for ten days.
    TooShort,
    /// No authority.
    NoAuthority,
    /// An authority without room below it.
    NoRoom,
    /// Signed by another root of the same name.
    AnotherRoot,
    /// JSON as it should be, with text in place of certificates.
    NoCertificate,
    /// 403.
    Forbidden,
    /// 500.
    Broken,
    /// Never.
    Hangs,
    /// One gigabyte.
    Huge,
    /// No JSON.
    Garbage,
    /// The connection ends.
    Closes,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 15] = [
        Self::AnotherKey,
        Self::AnotherSubject,
        Self::OtherNames,
        Self::TooLong,
        Self::TooShort,
        Self::NoAuthority,
        Self::NoRoom,
        Self::AnotherRoot,
        Self::NoCertificate,
        Self::Forbidden,
        Self::Broken,
        Self::Hangs,
        Self::Huge,
        Self::Garbage,
        Self::Closes,
    ];
}

/// What the server and its owner share.
struct State {
    root: Signer,
    other_root: Signer,
    tokens: tokens::Tokens,
    fault: Mutex<Option<Fault>>,
    asked: AtomicUsize,
}

/// An issuer that runs; ends when dropped.
pub struct Issuer {
    state: Arc<State>,
    address: SocketAddr,
    authority: String,
    accepting: AbortHandle,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Issuer {
    /// Serves on a free loopback port. Must be called within a tokio runtime.
    pub async fn start() -> io::Result<Self> {
        let state = Arc::new(State {
            root: Signer::new("issuer root"),
            other_root: Signer::new("issuer root"),
            tokens: tokens::Tokens::new(),
            fault: Mutex::new(None),
            asked: AtomicUsize::new(0),
        });
        let door = Signer::new("issuer TLS");
        let (accepting, address) = server::start(Arc::clone(&state), &door).await?;
        Ok(Self {
            state,
            address,
            authority: door.certificate,
            accepting,
        })
    }

    /// `https://localhost:PORT`
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The authority by which its server is recognised, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What everything that it signs leads to, PEM.
    pub fn root(&self) -> &str {
        &self.state.root.certificate
    }

    /// The key of its provisioner, PEM.
    pub fn provisioner_key(&self) -> &str {
        self.state.tokens.key()
    }

    /// What is wrong with the next answers; `None`: nothing.
    pub fn fail(&self, fault: Option<Fault>) {
        *self.state.fault.lock() = fault;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Relaxed)
    }
}
