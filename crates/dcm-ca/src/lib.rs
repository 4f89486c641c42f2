//! The CA controller: an intermediate for every edge of a logical cloud, under one anchor, kept true.
//!
//! ```text
//!   organisation's root -> anchor of a cloud -> intermediate of an edge -> (signed there) workloads
//!
//!   plan        what is needed (pure)              edge, establish, authority, rotate, answer   make it true
//!   issue       the one place that issues          keys     made and sealed; slow ones apart
//!   backend     who signs an anchor: one seam             issuer   asked over the network, by a loop of its own
//!   evidence    what members were seen to have     events, audit    the chained record of key events
//!   late        what should have been replaced
//!   step        the loop                           port     the seam of `dcm_types::ca`
//! ```
//!
//! Invariants: a certificate is stored only after it was read back, verified by a second library and judged. A
//! key is stored sealed and leaves only in a bundle. Each change is one commit on everything that it was decided
//! on, with its event in it; so the loop may stop between any two, and several may run. A phase of a rotation is
//! entered only when every member was seen to have what the phase rests on (`plan`).
//!
//! Tests: `tests/it`; `openssl` and a second library are oracles.

mod answer;
mod audit;
mod authority;
mod backend;
mod bundle;
mod controller;
mod edge;
mod error;
mod establish;
mod events;
mod evidence;
mod issue;
mod issuer;
mod keys;
mod late;
mod names;
pub mod plan;
mod policy;
mod port;
mod rotate;
mod settle;
mod step;
mod summary;

pub use backend::{Signed, SigningBackend, SigningError, SigningOrder};
pub use controller::{Controller, Parts};
pub use error::Error;
pub use late::Metrics;
pub use policy::Policy;
pub use step::run;
