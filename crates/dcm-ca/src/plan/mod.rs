//! Planning: decides what an edge, a list or a rotation needs, and touches nothing.
//!
//! ```text
//!   edge        does this edge need another intermediate?     gate      which member holds a phase up, and why
//!   rotation    does the rotation go on?                      enter     what a phase changes
//!   flight      is it an edge's turn?
//!   lists       is a list due?                                state     a rotation as it is told
//! ```
//!
//! Invariants: no I/O, no clock (time is an argument), total. What makes a rotation safe is here and nowhere else:
//! a phase is entered only when every member was seen to have what it rests on, for longer than any leaf lives.

mod edge;
mod enter;
mod flight;
mod gate;
mod lists;
mod rotation;
mod state;

pub use edge::{EdgeStep, Why, ask_again_at, plan_edge, renew_at};
pub use enter::{begin, enter, first_anchor};
pub use flight::{is_in_flight, must_wait};
pub use gate::waiting;
pub use lists::list_is_due;
pub use rotation::{RotationStep, anchor_is_due, members_digest, plan_rotation};
pub use state::{rotation_state, would_be};
