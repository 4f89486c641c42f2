//! The CA controller on the embedded store: intermediates of edges issued, verified and stored, and a bundle that
//! is there asked for again.

use anyhow::Result;
use serde::Deserialize;

use super::Place;
use super::figure::{Figure, Unit};
use super::tools::Tools;

/// Edges that get an intermediate.
const EDGES: usize = 1000;

/// What `issue_rate` prints.
#[derive(Deserialize)]
struct Told {
    issued_seconds: f64,
    warm_p50_ms: f64,
    warm_p99_ms: f64,
}

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    let told: Told = serde_json::from_str(&tools.issue_rate(&place.folder("ca", "")?, EDGES)?)?;
    let issued = format!("{EDGES} intermediates issued, verified, stored");
    Ok(vec![
        Figure::new(issued, Unit::Milliseconds, told.issued_seconds * 1000.0).at_most(1500.0),
        Figure::new(
            "bundle that is there, p50",
            Unit::Milliseconds,
            told.warm_p50_ms,
        ),
        Figure::new(
            "bundle that is there, p99",
            Unit::Milliseconds,
            told.warm_p99_ms,
        )
        .at_most(1.0),
    ])
}
