//! The document store: one trait, several backends, one conformance suite, and the sealing of secrets.
//!
//! ```text
//!   store      trait Store, and what crosses it: Stored, Query, Page, Batch, Change, Lease
//!   typed      reading and writing domain documents through it
//!   staged     a store over another one: several changes, one commit
//!   memory     in-memory backend (first-class)      sqlite   embedded backend (default)
//!   mongodb    backend for several processes: a collection of a replica set
//!   vault      envelope encryption; nothing secret reaches a backend unsealed
//!   conformance  one suite, generic over the backend (feature `conformance`)
//! ```
//!
//! Invariants: a batch holds as a whole or not at all; an acknowledged commit survives the end of the
//! process; a read sees every commit acknowledged before it began; no type of a backend leaves this crate.

#[cfg(feature = "conformance")]
pub mod conformance;
mod hints;
mod leases;
pub mod memory;
pub mod mongodb;
mod private_file;
pub mod sqlite;
pub mod staged;
pub mod store;
pub mod typed;
pub mod vault;

pub use self::mongodb::{MongoOptions, MongoStore};
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
pub use staged::{Gathered, StagedStore};
pub use store::{
    Batch, Change, Committed, Error, Expect, Lease, Operation, Page, Query, Scope, Store, Stored,
    Version,
};
pub use typed::{StoreExt, Versioned, decode};
pub use vault::{Place, Vault};
