//! Certificates by which the parts of the product know each other: a small authority of their own, and one
//! certificate for each process, which names the parts that run in it.
//!
//! ```text
//!   authority   the one that all parts trust, and nobody else     identity   a process: its parts and its addresses
//! ```
//!
//! It has nothing to do with the authorities of meshes, and is trusted by nothing but our own connections.
//!
//! Sources: RFC 5280 (4.2.1.6 alternative names, 4.2.1.12 purposes), RFC 9525 (a server is known by its alternative
//! names only).

mod authority;
mod identity;

pub use authority::PartsAuthority;
pub use identity::{Address, Identity, IdentityRequest, parts_of};

/// What stands before the name of a part in the certificate of a process.
const PART_URI: &str = "dcm://part/";
