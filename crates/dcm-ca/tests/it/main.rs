//! The CA controller as its callers see it, on a store in memory.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test panics, in its helpers too"
)]

mod audit;
mod bundles;
mod crashes;
mod faults;
mod flight;
mod foreign;
mod gates;
mod killed;
mod killer;
mod mesh;
mod model;
mod openssl;
mod races;
mod revocation;
mod rotation;
mod running;
mod sealed;
mod world;
