//! Tests of the renderer: bounds with small scripts, manifests with the real program.
#![expect(
    clippy::unwrap_used,
    reason = "a failing test panics, in its helpers too"
)]

mod bounds;
mod manifests;
