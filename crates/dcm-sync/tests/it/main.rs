//! The synchronizer against real control planes, with documents written straight into a store.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step of a test ends the test"
)]

mod accounts;
mod away;
mod categories;
mod certificates;
mod clocks;
mod conflicts;
mod dead_edge;
mod drift;
mod faults;
mod fencing;
mod golden;
mod health;
mod kept_keys;
mod mesh;
mod modest;
mod outage;
mod policy;
mod privileged;
mod removal;
mod requests;
mod rescan;
mod restored;
mod revocation;
mod simulated;
mod simulator;
mod stopping;
mod tombstones;
mod usage;
mod users;
mod world;
