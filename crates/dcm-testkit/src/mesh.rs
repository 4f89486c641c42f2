//! Real control planes of a mesh, and workloads that get certificates from them.
//!
//! ```text
//!   Istiod::start()  -- pilot-discovery against a ControlPlane, on loopback ports, with a BundleFolder
//!        |
//!   istiod.sign()    -- a ServiceAccount's token and a request, over gRPC -->  Workload
//!        |
//!   handshake()      -- two workloads on loopback: do they take each other?      Traffic: many, all the time
//! ```
//!
//! A [`Keeper`] brings bundles into a member and tells what it sees of them there; [`live`] does all of it at once.
//!
//! No node is needed for any of it, so the whole way of trust of a mesh can be tested.

mod bundle_folder;
mod error;
mod flags;
mod handshake;
mod istiod;
mod keeper;
mod life;
mod member;
mod openssl;
mod signing;
mod traffic;

pub use bundle_folder::BundleFolder;
pub use error::Error;
pub use flags::Settings;
pub use handshake::handshake;
pub use istiod::{Istiod, Wanted};
pub use keeper::{Keeper, through_the_secret};
pub use life::{Authority, Place, live};
pub use member::Member;
pub use openssl::handshake as openssl_handshake;
pub use traffic::{Seen, Shake, Traffic};

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
