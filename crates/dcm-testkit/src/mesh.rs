//! Real control planes of a mesh, and workloads that get certificates from them.
//!
//! ```text
//!   Istiod::start()  -- pilot-discovery against a ControlPlane, on loopback ports, with a BundleFolder
//!        |
//!   istiod.sign()    -- a ServiceAccount's token and a request, over gRPC -->  Workload
//!        |
//!   handshake()      -- two workloads on loopback: do they take each other?
//! ```
//!
//! No node is needed for any of it, so the whole way of trust of a mesh can be tested.

mod bundle_folder;
mod error;
mod flags;
mod handshake;
mod istiod;
mod openssl;
mod signing;

pub use bundle_folder::BundleFolder;
pub use error::Error;
pub use flags::Settings;
pub use handshake::handshake;
pub use istiod::{Istiod, Wanted};
pub use openssl::handshake as openssl_handshake;

/// What a workload holds: a key, and a certificate for it with everything up to the anchor.
#[derive(Debug, Clone)]
pub struct Workload {
    /// PEM: the workload's own certificate first.
    pub chain: String,
    /// PEM of its private key; a test's, so it needs no care.
    pub key: String,
    /// PEM: whom it takes.
    pub anchors: String,
}
