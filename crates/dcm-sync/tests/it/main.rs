//! The synchronizer against real control planes, with documents written straight into a store.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step of a test ends the test"
)]

mod away;
mod certificates;
mod conflicts;
mod drift;
mod faults;
mod fencing;
mod golden;
mod health;
mod outage;
mod removal;
mod restored;
mod stopping;
mod tombstones;
mod usage;
mod users;
mod world;
