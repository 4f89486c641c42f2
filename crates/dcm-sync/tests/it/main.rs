//! The synchronizer against real control planes, with documents written straight into a store.

mod certificates;
mod conflicts;
mod drift;
mod faults;
mod golden;
mod health;
mod outage;
mod removal;
mod world;
