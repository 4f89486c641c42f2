//! The resource synchronizer: makes member clusters match the wanted revisions, and says what is true.
//!
//! ```text
//!   handle    start, nudges, scan, status hints              driver   keyed queue: one run per key, bounds,
//!                                                                     back-off, timers; knows no clouds
//!   reconcile load -> plan -> render -> apply -> record, one (logical cloud, cluster) at a time, or one
//!             tombstone: what is left of a deleted cloud in a cluster
//!     load      from the store, by key alone                 plan     pure comparison
//!     render    pure, infallible                             present / removal   the order of trust
//!     record    target and access documents, compare-and-swap
//!     mesh      the mesh of a cloud: beside all of these, and never waited for
//!   member    a session with a cluster: limits, watches, identity, fingerprints of what was last seen; the
//!             gate, which holds everything but probes while the member does not answer
//!   usage     records what is used of quotas, as watches see it
//!   health    the background check of registered clusters, which is also the probe
//!   agenda, reports   what a change or a scan concerns; what came of the last runs
//! ```
//!
//! What it sees of a member is the trait `ClusterApi` of `dcm-cluster`.
//!
//! Invariants: `Unknown` and the inventory are stored before the first changing call; the anchor orders
//! the runs and an older generation is refused; every changing or deleting call carries uid and
//! resourceVersion; nothing without our owner's uid is changed or deleted; a member is `Absent` only
//! after a second empty look; a second run right after a first changes nothing. This crate never writes
//! a document that a user writes. Its tests stand in `tests/it` (real control planes in `crates/dcm`).

mod agenda;
mod conditions;
mod config;
mod context;
mod credentials;
mod drift;
mod driver;
mod error;
mod handle;
mod health;
mod load;
mod member;
mod mesh;
mod metrics;
mod plan;
mod present;
mod reconcile;
mod record;
mod removal;
mod render;
mod reports;
mod revisions;
mod run;
mod subject;
mod usage;

pub use config::{Config, Time};
pub use error::Error;
pub use handle::{Handle, Parts, start};
pub use mesh::Authorities;
pub use metrics::Metrics;
