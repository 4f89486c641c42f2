//! Every crash point and every single fault of R3: each is struck once, and everything must come to rest with
//! every invariant kept (G1, G2).

use dcm_testkit::kubesim::Fault;

use super::funnel::{Effect, Kind, StoreFault, Strike, Verdict};
use super::points;
use super::scenario::{self, Plan};
use super::sweep::sweep;

/// Strikes one effect.
pub(crate) fn at(number: usize, strike: Strike) -> Plan {
    let judge = move |effect: &Effect| Verdict {
        strike: (effect.number == number).then_some(strike),
        ..Verdict::default()
    };
    Plan {
        judge: Some(Box::new(judge)),
        ..Plan::default()
    }
}

/// One case: the effect that is struck, and how.
type Case = (Effect, Strike);

fn strike((effect, strike): &Case, brief: bool) -> Result<(), String> {
    let plan = Plan {
        brief,
        ..at(effect.number, *strike)
    };
    let outcome = scenario::run(plan);
    let what = format!("{strike:?} at {effect}");
    // Up to the strike the run is the one that was counted.
    let met = outcome.effects.get(effect.number);
    if outcome.struck != [(effect.number, *strike)] || met != Some(effect) {
        return Err(format!("{what}: did not strike, but {met:?}"));
    }
    match outcome.violations.as_slice() {
        [] => Ok(()),
        violations => Err(format!("{what}:\n  {}", violations.join("\n  "))),
    }
}

fn all(cases: &[Case], brief: bool) {
    assert!(!cases.is_empty());
    let failed = sweep(cases, |case| strike(case, brief));
    assert!(
        failed.is_empty(),
        "of {} cases at least {} failed:\n{}",
        cases.len(),
        failed.len(),
        failed.join("\n")
    );
}

/// Each of these effects, with each strike that is for it.
fn each(kinds: &[Kind], strikes: impl Fn(&Effect) -> Vec<Strike>) -> Vec<Case> {
    let with = |effect: Effect| {
        let strikes = strikes(&effect).into_iter();
        strikes.map(move |strike| (effect.clone(), strike))
    };
    points::of(kinds).into_iter().flat_map(with).collect()
}

#[test]
fn crash_at_every_call_leaves_no_trace() {
    let strikes = [Strike::CrashBefore, Strike::CrashLost, Strike::CrashAfter];
    all(
        &each(&[Kind::Call, Kind::Watch], |_| strikes.to_vec()),
        false,
    );
}

#[test]
fn crash_at_every_write_and_nudge_leaves_no_trace() {
    let strikes = [Strike::CrashBefore, Strike::CrashAfter];
    all(
        &each(&[Kind::Write, Kind::Nudge], |_| strikes.to_vec()),
        false,
    );
}

/// One fault of each of the 17 kinds; where a kind has several sorts, calls take turns.
fn faults(call: usize) -> Vec<Fault> {
    let broken = [Fault::Garbled, Fault::Truncated, Fault::Endless];
    let failing = [Fault::ServerError, Fault::Unavailable];
    let (broken_now, failing_now) = (broken[call % 3], failing[call % 2]);
    let others = Fault::ALL.into_iter();
    let others = others.filter(|fault| !broken.contains(fault) && !failing.contains(fault));
    let faults: Vec<Fault> = others.chain([broken_now, failing_now]).collect();
    assert_eq!(faults.len(), 17);
    faults
}

#[test]
fn every_fault_at_every_call_is_outlived() {
    let strikes = |effect: &Effect| {
        let faults = faults(effect.number).into_iter();
        faults.map(Strike::Fault).collect()
    };
    all(&each(&[Kind::Call, Kind::Watch], strikes), true);
}

#[test]
fn every_store_fault_at_every_write_is_outlived() {
    let strikes = StoreFault::ALL.map(Strike::Store);
    all(&each(&[Kind::Write], |_| strikes.to_vec()), false);
}
