//! Two deaths: the second while what the first left is mended.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::funnel::{Effect, Strike, Verdict};
use super::points::POINTS;
use super::scenario::{self, Plan};
use super::seeds;

/// Pairs of every test run.
const PAIRS: u64 = 100;
/// Other pairs: `FROM..TO`. Set by `cargo xtask simulate --double-crashes`.
const SWITCH: &str = "DCM_SIMULATE_DOUBLE_CRASHES";
/// The second death is at most so many effects after the first.
const APART: usize = 150;

/// One pair: the effect at which the first dies, and how many effects later the second.
fn pair(seed: u64) -> (usize, usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let first = random.random_range(0..POINTS.len());
    (first, random.random_range(1..=APART))
}

fn check(seed: u64) -> Result<(), String> {
    let (first, later) = pair(seed);
    let judge = move |effect: &Effect| Verdict {
        strike: match effect.number {
            number if number == first => Some(Strike::CrashLost),
            number if number == first + later => Some(Strike::CrashBefore),
            _ => None,
        },
        ..Verdict::default()
    };
    let outcome = scenario::run(Plan {
        judge: Some(Box::new(judge)),
        ..Plan::default()
    });
    if outcome.struck.first() != Some(&(first, Strike::CrashLost)) {
        return Err(format!("pair {seed}: the first death did not happen"));
    }
    match outcome.violations.as_slice() {
        [] => Ok(()),
        violations => {
            let violations = violations.join("\n  ");
            let effect = &POINTS[first];
            Err(format!(
                "pair {seed}, at {effect} and {later} effects later (again: cargo xtask simulate --double-crashes --seed {seed}):\n  {violations}"
            ))
        }
    }
}

#[test]
fn two_crashes_leave_no_trace() {
    let failed = seeds::each(SWITCH, PAIRS, check);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
