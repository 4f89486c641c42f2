//! The simulator: the real synchronizer on simulated members, in virtual time, from a seed.
//!
//! ```text
//!   synchronizer --> doors --> store, members        every write, call and nudge passes a door,
//!                      |                             gets a number, and may be struck
//!                   funnel     numbers, judges       gate      one life: open, frozen, dead
//!   stage      members, store, lives of synchronizers; waits for rest
//!   observer   what must hold at every write         invariants   what must hold at rest and over every prefix
//!   scenario   R3 of the plan                        listed    every crash point, every fault at every effect
//!   chaos      random runs of a seed                 seeds     those that failed once
//!   overtaken  wishes before their first run
//!   torn       looks that the member does not wait for
//!   broken     every check is shown to fail          history   what happened in a run that failed
//! ```
//!
//! A dead synchronizer is one whose doors never open again: nothing that its tasks do from then on reaches the
//! world, as after a kill; what was under way does. The same seed gives the same run.

mod broken;
mod chaos;
mod doors;
mod double;
mod funnel;
mod history;
mod invariants;
mod journal;
mod listed;
mod observer;
mod overtaken;
mod points;
mod scenario;
mod seeds;
mod sites;
mod stage;
mod sweep;
mod torn;
mod wishes;
