//! The JSON of the public REST interface, in both dialects, and its conversion from and to the domain.
//!
//! ```text
//!   bytes -- json --> Value -- object, documents::read_* --> dcm_types::drafts   (every fault at once)
//!   dcm_types::documents, status -- documents::*::of, views::*::of --> serde structs --> JSON
//! ```
//!
//! Reading walks over the JSON by hand instead of deriving it, because a caller shall be told all
//! faults at once, in the spelling of their own document, with unknown members beside them.
//! What is written are plain serde structs, which a client reads back with the same types.
//!
//! Invariants: no I/O and no clock (time is an argument); a draft that leaves this crate holds
//! validated values only; no shape that is returned can hold a credential.

pub mod apply;
pub mod documents;
pub mod json;
pub mod object;
pub mod refusal;
pub mod views;

pub use refusal::{Decoded, FieldValidation, Refusal, UnknownMember};
